"""The models, each a file, and many meta-analyses in one call: counts (..., k) to estimates (...)."""

from metaresp.model.batch import Batch, pool_batch
from metaresp.model.beta_binomial import BetaBinomial
from metaresp.model.binomial_normal import BinomialNormal
from metaresp.model.common import Common
from metaresp.model.estimates import REASONS
from metaresp.model.inverse_variance import InverseVariance
from metaresp.model.nested_binomial_normal import NestedBinomialNormal
from metaresp.model.nested_inverse_variance import NestedInverseVariance
from metaresp.model.registry import MODELS, NESTED

__all__ = ["MODELS", "NESTED", "REASONS", "Batch", "pool_batch"]

# In the order in which they are offered; the form for nested studies has the name of its model.
for _kind in (
    BinomialNormal,
    InverseVariance,
    BetaBinomial,
    Common,
):
    MODELS.add(_kind.name)(_kind)
for _kind in (
    NestedBinomialNormal,
    NestedInverseVariance,
):
    NESTED.add(_kind.name)(_kind)
