"""What other programs do unless they are told otherwise: ``like="meta"``, and who has which method."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from metaresp.errors import InvalidArgument, folded, known_name, option
from metaresp.model.registry import MODELS
from metaresp.transforms import TRANSFORMS


class Program(NamedTuple):
    """A program's defaults as options of :func:`metaresp.pool`.

    Attributes
    ----------
    title : str
    version : str
        The one that the defaults are of.
    models : mapping
        Model to its options; the first is what the program does when it is told nothing.
    source : str
        Where the defaults stand.
    rules : mapping
        What ``correct`` is on a scale where it is not that of the model.
    predictions : mapping
        What ``prediction`` is with an interval of the mean with which it is not that of the model.
    offers : mapping
        What else an analysis of effects may choose there, by option.
    """

    title: str
    version: str
    models: Mapping[str, Mapping[str, Any]]
    source: str
    rules: Mapping[str, str] = {}
    predictions: Mapping[str, str] = {}
    offers: Mapping[str, frozenset[str]] = {}


def _effects(transform: str, tau2: str, prediction: str | None = "hts", **more: Any) -> dict[str, Any]:
    return {"transform": transform, "tau2": tau2, "ci": "normal", "prediction": prediction, **more}


def _offers(transform: str, tau2: str, ci: str = "normal", back_n: str = "harmonic") -> Mapping[str, Any]:
    names = {"transform": transform, "tau2": tau2, "ci": ci, "back_n": back_n}
    return {name: frozenset(words.split()) for name, words in names.items()}


_SCALES = "logit arcsine freeman-tukey log identity"
_METAFOR_OFFERS = _offers(
    _SCALES,
    "common DL HE HS HSk SJ ML REML EB PM PMM",
    "normal t hartung-knapp hartung-knapp-floor henmi-copas",
)
_META_OFFERS = _offers(
    _SCALES,
    "common DL PM REML ML HS SJ HE EB",
    "normal hartung-knapp hartung-knapp-floor kenward-roger",
)
_COUNTS = {"link": "logit", "ci": "normal"}
_META_RULES = {"identity": "variance", "log": "events"}
# the quantile and the standard error of the test
_METAFOR_PREDICTIONS = {"t": "t", "hartung-knapp": "hartung-knapp", "hartung-knapp-floor": "t"}
_LEFT_OUT = {"correct": "leave-out"}
_META_GLMM = {"binomial-normal": {**_COUNTS, "prediction": "t"}}

#: Name of a program -> its defaults.  A new program is an entry here and nothing else.
PROGRAMS: dict[str, Program] = {
    "meta": Program(
        "R meta", "8.4-0", {**_META_GLMM, "inverse-variance": _effects("logit", "REML", "t")},
        "metaprop(); Balduzzi, Ruecker and Schwarzer (2019), Evidence-Based Mental Health 22:153",
        _META_RULES,
        offers=_META_OFFERS,
    ),
    "meta-4": Program(
        "R meta before 5.0", "4.19-2", {**_META_GLMM, "inverse-variance": _effects("logit", "DL")},
        "metaprop(); Schwarzer (2007), R News 7(3):40", _META_RULES,
        offers=_META_OFFERS,
    ),
    "metafor": Program(
        "R metafor", "5.1-12",
        {
            "inverse-variance": _effects("logit", "REML", "normal"),
            "binomial-normal": {**_COUNTS, "prediction": "normal"},
        },
        "rma(), rma.glmm(), escalc(); Viechtbauer (2010), Journal of Statistical Software 36(3)",
        predictions=_METAFOR_PREDICTIONS,
        offers=_METAFOR_OFFERS,
    ),
    "jasp": Program(
        "JASP", "0.19, by metafor", {"inverse-variance": _effects("logit", "REML", "normal")},
        "Classical meta-analysis of effects and standard errors; JASP Team (2024)",
        predictions=_METAFOR_PREDICTIONS,
        offers=_offers(_SCALES, "common DL HE HS SJ ML REML EB PM", "normal hartung-knapp"),
    ),
    "stata-metaprop": Program(
        "Stata metaprop", "2013, with its option random",
        {"inverse-variance": _effects("identity", "DL", **_LEFT_OUT)},
        "Nyaga, Arbyn and Aerts (2014), Archives of Public Health 72:39",
        offers=_offers("identity freeman-tukey", "common DL"),
    ),
    "stata-metaprop-one": Program(
        "Stata metaprop_one", "1.2, with its option random",
        {
            "inverse-variance": _effects("identity", "DL", **_LEFT_OUT),
            "binomial-normal": {**_COUNTS, "prediction": "hts"},
        },
        "help metaprop_one; Nyaga, Arbyn and Aerts (2014), Archives of Public Health 72:39",
        offers=_offers("identity freeman-tukey", "common DL"),
    ),
    "stata-metapreg": Program(
        "Stata metapreg", "4.0.0", {"binomial-normal": {**_COUNTS, "prediction": "hts"}},
        "help metapreg; Nyaga and Arbyn (2022), Archives of Public Health 80:14",
    ),
    "stata-meta": Program(
        "Stata meta", "18.5", {"inverse-variance": _effects("freeman-tukey", "REML", None)},
        "meta esize, meta summarize; Stata Meta-Analysis Reference Manual, release 18",
        offers=_offers("logit freeman-tukey", "common REML ML EB DL HE SJ HS", "normal hartung-knapp"),
    ),
    "cma": Program(
        "CMA", "4", {"inverse-variance": _effects("logit", "DL")},
        "Comprehensive Meta-Analysis; Borenstein et al. (2021), Introduction to Meta-Analysis, 2nd ed.",
        offers=_offers("logit", "common DL", "normal hartung-knapp"),
    ),
    "medcalc": Program(
        "MedCalc", "23", {"inverse-variance": _effects("freeman-tukey", "DL", None)},
        "Manual, Meta-analysis: proportion.  It does not say how the mean is turned back",
        offers=_offers("freeman-tukey", "common DL", back_n="harmonic none inverse-variance"),
    ),
    "metaxl": Program(
        "MetaXL", "5.3",
        {
            "inverse-variance": {
                "transform": "freeman-tukey", "tau2": "DL", "ci": "ivhet", "prediction": None,
                "back_n": "inverse-variance",
            }
        },
        "IVhet; Barendregt et al. (2013), Journal of Epidemiology and Community Health 67:974",
        offers=_offers("freeman-tukey", "common DL", "normal ivhet", "inverse-variance"),
    ),
    "revman": Program(
        "RevMan", "5.4", {"inverse-variance": _effects("identity", "DL", **_LEFT_OUT)},
        "Generic inverse variance, of rates with their standard errors; Cochrane Handbook, chapter 10",
        offers=_offers("identity logit", "common DL REML", "normal hartung-knapp"),
    ),
    "openmeta": Program(
        "OpenMeta[Analyst]", "2016", {"inverse-variance": _effects("identity", "DL", None)},
        "Wallace et al. (2012), Journal of Statistical Software 49(5)",
        offers=_offers(_SCALES, "common DL REML ML PM HE SJ HS EB"),
    ),
}  # fmt: skip
_CORRECTED = [name for name, transform in TRANSFORMS.items() if transform.corrected]
_ALSO_KNOWN = {"metaprop": "stata-metaprop", "metapreg": "stata-metapreg", "openmetaanalyst": "openmeta"}


def known_program(name: object) -> str:
    """Return the name of a program, written in any way.

    Examples
    --------
    >>> known_program("Stata metaprop"), known_program("CMA")
    ('stata-metaprop', 'cma')
    """
    return _ALSO_KNOWN.get(_word(name)) or known_name("like", name, PROGRAMS)


def _word(value: object) -> str:
    return folded(value) if isinstance(value, str) else ""


def _of(exceptions: Mapping[str, str], word: str) -> str | None:
    return next((value for name, value in exceptions.items() if folded(name) == word), None)


def like_options(name: object, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of a program, and over them what was *given*, which always wins.

    Parameters
    ----------
    name : str
        A key of ``PROGRAMS``.
    given : mapping
        The options that were given, without those left at their defaults.

    Raises
    ------
    InvalidArgument
        If there is no such program, it has no such model, or what was given makes no sense together.

    Notes
    -----
    Without ``model`` the program's first model that has every option given: ``tau2="DL"`` asks R's meta for
    its inverse-variance method.

    Examples
    --------
    >>> like_options("meta", {"transform": "identity"})["correct"]
    'variance'
    >>> like_options("metafor", {"ci": "hartung-knapp"})["prediction"]
    'hartung-knapp'
    """
    program = PROGRAMS[known_program(name)]
    model = given.get("model")
    if model is None:
        own = [n for n in given if any(n in kind.options for kind in MODELS.values())]
        fitting = [m for m in program.models if all(n in MODELS[m].options for n in own)]
        model = (fitting or list(program.models))[0]
    elif _word(model) not in map(folded, program.models):
        raise InvalidArgument(
            f"{option('model', model)} is none of {program.title}, {option('like', name)}: choose "
            f"{' or '.join(map(repr, program.models))}, or leave {option('like')} out"
        )
    model = next(m for m in program.models if folded(m) == _word(model))
    defaults = dict(program.models[model])
    asked = {**defaults, **given}
    scale, ci = (_word(asked.get(name)) for name in ("transform", "ci"))
    special = {"correct": _of(program.rules, scale), "prediction": _of(program.predictions, ci)}
    defaults |= {name: value for name, value in special.items() if value is not None}
    kept = {"correct": scale in map(folded, _CORRECTED), "back_n": scale == folded("freeman-tukey")}
    return {"model": model, **{n: v for n, v in defaults.items() if kept.get(n, True)}, **given}


@cache
def _on_scale(name: str, transform: str) -> Mapping[str, Any]:
    return like_options(name, {"model": "inverse-variance", "transform": transform})


def programs_with(options: Mapping[str, Any], at_edge: bool) -> tuple[list[str], list[str]]:
    """Return the programs of which an analysis is the default (on its scale), and those that offer it.

    Parameters
    ----------
    options : mapping
        Of :func:`metaresp.pool`: model, and transform, tau2, ci, correct and back_n, or link and ci.
    at_edge : bool
        Whether a study is at 0 or n, so that it matters which rule corrects it.

    Examples
    --------
    >>> spec = {"model": "inverse-variance", "transform": "arcsine", "tau2": "DL", "ci": "normal"}
    >>> [PROGRAMS[name].title for name in programs_with(spec, False)[0]]
    ['R meta before 5.0', 'OpenMeta[Analyst]']
    """
    model, scale = options["model"], options.get("transform")
    default: list[str] = []
    offered: list[str] = []
    for name, program in PROGRAMS.items():
        if model not in program.models:
            continue
        if model != "inverse-variance":
            if all(options.get(key) == value for key, value in _COUNTS.items()):
                default.append(name)
            elif options.get("link", "logit") == _COUNTS["link"] and options["ci"] in {"normal", "t"}:
                offered.append(name)  # no other interval of these models is theirs
            continue
        if scale not in program.offers["transform"]:
            continue
        own = _on_scale(name, str(scale))
        rule = own.get("correct", "only-zero")
        given = options.get("correct", rule)
        if given != rule and (at_edge or given == "all"):
            continue
        if own.get("back_n", "harmonic") == options.get("back_n", "harmonic") and all(
            options[key] == own[key] for key in ("tau2", "ci")
        ):
            default.append(name)
        elif all(options.get(key, "harmonic") in program.offers[key] for key in ("tau2", "ci", "back_n")):
            offered.append(name)
    return default, offered
