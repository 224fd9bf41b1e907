"""Batched numerics: arrays (..., k) in, arrays (...) out; no names, text, frames or levels."""
