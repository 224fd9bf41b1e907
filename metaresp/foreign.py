"""What R, SciPy, statsmodels and Stata call our methods: for hints, never for a silent reading."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias


class Foreign(NamedTuple):
    """A name of other software.

    Attributes
    ----------
    ours : str
        The same in this package.
    also : tuple of (str, str)
        Further options that make it the same.
    where : str
        The software.
    theirs : str
        Its name, of which case, hyphens, underscores and spaces do not matter.
    """

    ours: str
    also: tuple[tuple[str, str], ...]
    where: str
    theirs: str


# Rows of one argument: ours, and what each software calls it.
_Rows: TypeAlias = Mapping[str, Mapping[str, str]]

_TAU2: _Rows = {
    "common": {"R": "FE EE CE", "Stata": "fixed common-effect fixed-effect"},
    "DL": {"R": "DerSimonian-Laird", "Stata": "dlaird"},
    "HE": {"R": "Hedges-Olkin Hedges"},
    "HS": {"R": "Hunter-Schmidt", "Stata": "hschmidt"},
    "SJ": {"R": "Sidik-Jonkman", "Stata": "sjonkman"},
    "ML": {"Stata": "mle", "R": "maximum-likelihood"},
    "REML": {"R": "restricted-maximum-likelihood"},
    "EB": {"R": "empirical-Bayes", "Stata": "ebayes"},
    "PM": {"R": "Paule-Mandel Mandel-Paule", "Stata": "pmandel mpaule"},
}
_TRANSFORM: _Rows = {
    "logit": {"R": "PLO PLOGIT log-odds logodds", "Stata": "logitprop"},
    "freeman-tukey": {"R": "PFT FT double-arcsine double-arcsin", "Stata": "ftt ftukeyprop ftukey"},
    "arcsine": {"R": "PAS asin arcsin arcsine-square-root"},
    "log": {"R": "PLN"},
    "identity": {"R": "PRAW PR raw untransformed"},
}
_BINOMIAL: _Rows = {
    "clopper-pearson": {
        "R": "exact CP binom.test central exactci",
        "SciPy": "binomtest",
        "statsmodels": "beta",
    },
    "wald": {"statsmodels": "normal", "R": "asymptotic asymp NAsm"},
    "wilson": {"R": "score WS scoreci"},
    "wilson-cc": {"R": "prop.test WSCC"},
    "agresti-coull": {"R": "AC", "Stata": "agresti"},
    "mid-p": {"R": "midPci"},
    "blaker": {"R": "blakerci"},
    "sterne": {"R": "minlike", "statsmodels": "binom_test"},
    "blyth-still-casella": {"StatXact": "BSC"},
    "likelihood-ratio": {"R": "lrt lik"},
    "hpd": {"R": "bayes"},
    "arcsine": {"R": "asin arcsin"},
}
_INTERVAL: _Rows = {
    "hartung-knapp": {"R": "HK knha HKSJ hakn Knapp-Hartung", "Stata": "khartung"},
    "normal": {"R": "z classic Wald"},
    "kenward-roger": {"R": "KR"},
    "henmi-copas": {"R": "HC"},
    "profile": {"R": "PL profile-likelihood"},
}
_ALTERNATIVE: _Rows = {
    "two-sided": {"R": "two.sided"},
    "greater": {"statsmodels": "larger"},
    "less": {"statsmodels": "smaller"},
}
_TABLE: Mapping[str, tuple[_Rows, ...]] = {
    "model": (
        {
            "binomial-normal": {
                "R": "GLMM rma.glmm glmer",
                "Stata": "melogit meqrlogit xtmelogit metaprop_one",
            },
            "inverse-variance": {"R": "Inverse IV rma rma.uni metagen"},
            "beta-binomial": {"R": "betabin betabinom BB", "Stata": "betabin"},
        },
    ),
    "tau2": (_TAU2,),
    "transform": (_TRANSFORM,),
    "link": ({"logit": {"R": "PLO PLOGIT log-odds", "Stata": "logistic"}, "log": {"R": "PLN"}},),
    "method": (
        _BINOMIAL,
        {"q-profile": {"R": "QP"}, "generalised-q": {"R": "GENQ BJ"}, "profile": {"R": "PL"}},
    ),
    "methods": (_BINOMIAL,),
    "study_ci": (_BINOMIAL,),
    "ci": (_BINOMIAL, _INTERVAL),
    "prediction": (
        {"hts": {"R": "Higgins-Thompson-Spiegelhalter"}},
        {"hartung-knapp": {"R": "HK"}, "bootstrap": {"R": "NNF Nagashima"}},
    ),
    "correct": ({"only-zero": {"R": "only0"}, "if-any": {"R": "if0all"}},),
    "alternative": (_ALTERNATIVE,),
}


def _listed() -> Iterator[tuple[str, tuple[Foreign, ...]]]:
    for argument, tables in _TABLE.items():
        names = [
            Foreign(ours, (), where, theirs)
            for rows in tables
            for ours, sources in rows.items()
            for where, words in sources.items()
            for theirs in words.split()
        ]
        if argument == "model":  # R's rma takes the estimator of tau2 for its method
            names += [
                Foreign("inverse-variance", (("tau2", ours),), "R", theirs)
                for ours, sources in _TAU2.items()
                for theirs in (ours, *sources.get("R", "").split())
                if ours != "common" or theirs != ours
            ]
        yield argument, tuple(names)


FOREIGN: Mapping[str, tuple[Foreign, ...]] = dict(_listed())
