"""metaresp: meta-analysis of single-arm response rates.

Study-level counts (13/18 responders) become exact binomial intervals, a random-effects pooled
response rate with its uncertainty, and a forest plot.  Names are loaded when first used, so that
``import metaresp`` costs no more than numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metaresp import datasets
    from metaresp.analyses.baujat import Baujat, baujat
    from metaresp.analyses.categories import Categories, pool_categories
    from metaresp.analyses.compare import Comparison, compare
    from metaresp.analyses.funnel import Drapery, Funnel, drapery, funnel
    from metaresp.analyses.gosh import Gosh, gosh
    from metaresp.analyses.influence import Influence, influence
    from metaresp.analyses.missing import MissingResponses, missing_responses
    from metaresp.analyses.overlap import Overlap, overlap
    from metaresp.analyses.predicted import RegressionRates
    from metaresp.analyses.refits import Cumulative, LeaveOneOut, cumulative, leave_one_out
    from metaresp.analyses.regress import regress
    from metaresp.analyses.regression import Regression
    from metaresp.analyses.reproduce import Reproduction, reproduce
    from metaresp.analyses.small_study import SmallStudyEffects, small_study_effects
    from metaresp.analyses.subgroups import Subgroups, subgroups
    from metaresp.analyses.trim_and_fill import TrimAndFill, trim_and_fill
    from metaresp.binomial import (
        BINOMIAL_CI,
        BinomialCI,
        BinomialTest,
        Coverage,
        MethodIntervals,
        MissingBounds,
        RecoveredCounts,
        binomial_ci,
        binomial_test,
        compare_methods,
        missing_bounds,
        recover_counts,
    )
    from metaresp.binomial.coverage import coverage
    from metaresp.binomial.multinomial import MultinomialCI, multinomial_ci
    from metaresp.errors import (
        CannotEstimate,
        InvalidArgument,
        InvalidStudies,
        MetaRespError,
        MetaRespWarning,
        MissingDependency,
        UnknownName,
        UnreadableFile,
    )
    from metaresp.model import Batch, pool_batch
    from metaresp.percent import check_percent
    from metaresp.pooling import pool
    from metaresp.records import Interval
    from metaresp.result import Fit
    from metaresp.studies import ExcludedStudy, Studies, read_studies

__version__ = "0.1.0"

_HOME = {
    "datasets": "metaresp.datasets",
    "Baujat": "metaresp.analyses.baujat",
    "Categories": "metaresp.analyses.categories",
    "Comparison": "metaresp.analyses.compare",
    "compare": "metaresp.analyses.compare",
    "pool_categories": "metaresp.analyses.categories",
    "MissingResponses": "metaresp.analyses.missing",
    "missing_responses": "metaresp.analyses.missing",
    "Overlap": "metaresp.analyses.overlap",
    "overlap": "metaresp.analyses.overlap",
    "Drapery": "metaresp.analyses.funnel",
    "Funnel": "metaresp.analyses.funnel",
    "baujat": "metaresp.analyses.baujat",
    "drapery": "metaresp.analyses.funnel",
    "funnel": "metaresp.analyses.funnel",
    "Cumulative": "metaresp.analyses.refits",
    "Influence": "metaresp.analyses.influence",
    "LeaveOneOut": "metaresp.analyses.refits",
    "cumulative": "metaresp.analyses.refits",
    "influence": "metaresp.analyses.influence",
    "leave_one_out": "metaresp.analyses.refits",
    "SmallStudyEffects": "metaresp.analyses.small_study",
    "small_study_effects": "metaresp.analyses.small_study",
    "TrimAndFill": "metaresp.analyses.trim_and_fill",
    "trim_and_fill": "metaresp.analyses.trim_and_fill",
    "Gosh": "metaresp.analyses.gosh",
    "gosh": "metaresp.analyses.gosh",
    "Regression": "metaresp.analyses.regression",
    "RegressionRates": "metaresp.analyses.predicted",
    "regress": "metaresp.analyses.regress",
    "Reproduction": "metaresp.analyses.reproduce",
    "reproduce": "metaresp.analyses.reproduce",
    "Subgroups": "metaresp.analyses.subgroups",
    "subgroups": "metaresp.analyses.subgroups",
    "BINOMIAL_CI": "metaresp.binomial",
    "BinomialCI": "metaresp.binomial",
    "BinomialTest": "metaresp.binomial",
    "binomial_ci": "metaresp.binomial",
    "Coverage": "metaresp.binomial",
    "MethodIntervals": "metaresp.binomial",
    "MultinomialCI": "metaresp.binomial.multinomial",
    "multinomial_ci": "metaresp.binomial.multinomial",
    "MissingBounds": "metaresp.binomial",
    "RecoveredCounts": "metaresp.binomial",
    "compare_methods": "metaresp.binomial",
    "coverage": "metaresp.binomial",
    "missing_bounds": "metaresp.binomial",
    "recover_counts": "metaresp.binomial",
    "binomial_test": "metaresp.binomial",
    "CannotEstimate": "metaresp.errors",
    "InvalidArgument": "metaresp.errors",
    "InvalidStudies": "metaresp.errors",
    "MetaRespError": "metaresp.errors",
    "MetaRespWarning": "metaresp.errors",
    "MissingDependency": "metaresp.errors",
    "UnknownName": "metaresp.errors",
    "UnreadableFile": "metaresp.errors",
    "Batch": "metaresp.model",
    "check_percent": "metaresp.percent",
    "pool_batch": "metaresp.model",
    "pool": "metaresp.pooling",
    "Interval": "metaresp.records",
    "EventForecast": "metaresp.forecast",
    "Fit": "metaresp.result",
    "StudyRates": "metaresp.shrinkage",
    "ExcludedStudy": "metaresp.studies",
    "Studies": "metaresp.studies",
    "read_studies": "metaresp.studies",
}

__all__ = [
    "BINOMIAL_CI",
    "Batch",
    "Baujat",
    "BinomialCI",
    "BinomialTest",
    "CannotEstimate",
    "Categories",
    "Comparison",
    "Coverage",
    "Cumulative",
    "Drapery",
    "EventForecast",
    "ExcludedStudy",
    "Fit",
    "Funnel",
    "Gosh",
    "Influence",
    "Interval",
    "InvalidArgument",
    "InvalidStudies",
    "LeaveOneOut",
    "MetaRespError",
    "MetaRespWarning",
    "MethodIntervals",
    "MissingBounds",
    "MissingDependency",
    "MissingResponses",
    "MultinomialCI",
    "Overlap",
    "RecoveredCounts",
    "Regression",
    "RegressionRates",
    "Reproduction",
    "SmallStudyEffects",
    "Studies",
    "StudyRates",
    "Subgroups",
    "TrimAndFill",
    "UnknownName",
    "UnreadableFile",
    "__version__",
    "baujat",
    "binomial_ci",
    "binomial_test",
    "check_percent",
    "compare",
    "compare_methods",
    "coverage",
    "cumulative",
    "datasets",
    "drapery",
    "funnel",
    "gosh",
    "influence",
    "leave_one_out",
    "missing_bounds",
    "missing_responses",
    "multinomial_ci",
    "overlap",
    "pool",
    "pool_batch",
    "pool_categories",
    "read_studies",
    "recover_counts",
    "regress",
    "reproduce",
    "small_study_effects",
    "subgroups",
    "trim_and_fill",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'metaresp' has no attribute {name!r}")
    module = import_module(_HOME[name])
    value = module if name == "datasets" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
