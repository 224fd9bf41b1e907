"""Analyses around a fit: each builds copies, makes one batch call, and returns a frozen result."""
