"""Many meta-analyses in one call: counts of shape (..., k) to estimates of shape (...)."""

from metaresp.model.batch import Batch, pool_batch
from metaresp.model.estimates import REASONS

__all__ = ["REASONS", "Batch", "pool_batch"]
