"""Studies: counts in a frozen, validated table, and the way from a file to it."""

from metaresp.studies.files import read_studies
from metaresp.studies.parts import Covariates, ExcludedStudy
from metaresp.studies.table import Studies

__all__ = ["Covariates", "ExcludedStudy", "Studies", "read_studies"]
