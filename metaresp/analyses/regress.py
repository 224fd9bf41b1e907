"""Meta-regression: how rates change with moderators of the studies."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from metaresp.analyses.moderators import (
    Design,
    check_design,
    columns_of,
    complete,
    design_of,
    formula_design,
)
from metaresp.analyses.regression import Regression, fitted
from metaresp.arrays import silent
from metaresp.checks import check_text, check_whole
from metaresp.errors import CannotEstimate, InvalidArgument, few, known_name, option
from metaresp.inputs import find_studies
from metaresp.kernel.regression.designs import rearrangements
from metaresp.model.kept import keep
from metaresp.model.regression import Regressor
from metaresp.model.regressions import REGRESSIONS
from metaresp.model.spec import DEFAULT, Spec, resolve
from metaresp.result import Fit
from metaresp.sentences import names as named_studies
from metaresp.studies import Studies

_PER_MODERATOR = 10
_FEWEST_ORDERS = 100
_FIXED_SEED = 2012


@silent
def regress(
    data: Any,
    on: str | Sequence[str],
    *,
    reference: str | Mapping[str, Any] = "first",
    missing: str = "raise",
    permutations: int = 0,
    **options: Any,
) -> Regression:
    """Regress the response rates of studies on moderators of the studies.

    Parameters
    ----------
    data : Fit, Studies, DataFrame or path
        Of a fit the studies and options are taken.
    on : str or sequence of str
        Covariates: numbers as they are, text as levels against a reference level.  Or a formula such as
        ``"dose + C(region)"`` (needs ``formulaic``; it may call functions, so never take one from others).
    reference : {"first", "frequent"} or mapping
        Level that others are compared with: the first in alphabetical order, the most frequent, or by
        covariate, ``{"region": "Asia"}``.  No part of formulas.
    missing : {"raise", "drop"}
        Studies without a value of a moderator are an error, or left out with a note.
    permutations : int
        Permutation tests by so many rearrangements of the moderators among the studies, by all that differ
        where there are no more; 0 for none.
    **options
        ``model`` ("binomial-normal" or "inverse-variance"), ``link``, ``effects``, ``transform``, ``tau2``,
        ``correction``, ``correct``, ``penalty``, ``cluster``, ``level``, ``seed``, ``outcome``, ``digits``,
        as in :func:`metaresp.pool`.  ``ci``: binomial-normal ``bartlett`` (default), ``profile-f``,
        ``profile``, ``t``, ``normal``; inverse variance ``hartung-knapp`` (default), ``hartung-knapp-floor``,
        ``t``, ``normal``, and with ``cluster`` ``CR2`` (default) or ``CR1``.  ``prediction``: ``hts``
        (default) or None.

    Returns
    -------
    Regression

    Raises
    ------
    UnknownName
        If the studies have no such covariate.
    InvalidArgument
        If a study has no value of a moderator, or an option has no meaning here.
    CannotEstimate
        If moderators are constant or collinear, there are no more studies than coefficients, or no events.

    Notes
    -----
    Counts: maximum likelihood of the binomial-normal model.  Tests are likelihood ratios, which are finite
    where a moderator separates studies at 0% or 100% (0/60 against 12/60); intervals are of the profile
    likelihood, with a Bartlett-type factor that is exact for equal normal studies
    (``docs/decisions/regression.md``).  A coefficient that separates is estimated with the penalty
    log-F(1, 1), and a note says so.
    Inverse variance: weighted least squares; tau2 by any estimator of ``TAU2`` in its form for residuals.

    R: ``metafor::rma(mods = ~ dose + region, test = "knha")``, ``rma.glmm(mods = ~ dose)``, ``lme4::glmer``,
    ``permutest``, ``robust``.

    References
    ----------
    Knapp and Hartung (2003), Statistics in Medicine 22:2693.  Higgins and Thompson (2004), Statistics in
    Medicine 23:1663 (permutation).  Greenland and Mansournia (2015), Statistics in Medicine 34:3133 (log-F).

    Examples
    --------
    >>> import metaresp as mr
    >>> studies = mr.datasets.load("debruin2009")
    >>> found = mr.regress(studies, "ethnicity")
    >>> found.term, found.estimate.round(3).tolist(), round(found.QM_pvalue, 3)
    (('intercept', 'ethnicity: other'), [0.242, -0.663], 0.092)
    """
    known_name("missing", missing, ("raise", "drop"))
    studies, spec = _what(data, options)
    names, formula = columns_of(studies, on)
    rows, dropped = complete(studies, names, missing)
    if not rows.size:
        raise CannotEstimate(f"regress: no study has a value of {' and '.join(map(repr, names))}")
    used = studies if rows.size == len(studies) else studies[rows]
    evaluator = None
    if formula is None:
        design = design_of(used, names, reference)
    else:
        if isinstance(reference, Mapping) or reference != "first":
            raise InvalidArgument(
                f"{option('reference', reference)} is no part of a formula: write "
                "C(region, contr.treatment('Asia'))"
            )
        design, evaluator = formula_design(used, formula, names)
    check_design(design, used)
    model = fitted(used, spec, design)
    drawn = _permuted(model, design, permutations, spec)
    sets = [list(term.columns) for term in design.terms]
    whole, *each = model.joint([list(range(1, model.p)), *sets])
    residual, found = model.residual, model.coefficients
    studies_are = "study without a value takes" if len(dropped) == 1 else "studies without a value take"
    notes = [f"{len(dropped)} {studies_are} no part: {few(dropped)}."] * bool(dropped)
    notes += model.notes(lambda positions: named_studies(used, positions), design.names)
    result = Regression(
        studies=used,
        spec=spec,
        on=names,
        formula=formula,
        design=design,
        **found._asdict(),
        moderator_statistic=np.array([test.statistic for test in each]),
        moderator_df=np.array([test.df for test in each]),
        moderator_df2=np.array([test.df2 for test in each]),
        moderator_pvalue=np.array([test.pvalue for test in each]),
        QM=whole.statistic,
        QM_df=whole.df,
        QM_df2=whole.df2,
        QM_pvalue=whole.pvalue,
        test=model.test_words,
        QE_definition=model.QE_words,
        **residual._asdict(),
        weight=model.precision(),
        **drawn,
        notes=tuple(notes + _further_notes(model, residual.tau2_without, design.names)),
    )
    keep(result, (model, evaluator))
    return result


def _what(data: Any, given: dict[str, Any]) -> tuple[Studies, Spec]:
    """Return the studies, and the options complete."""
    options = {
        name: value for name, value in given.items() if not (isinstance(value, str) and value == DEFAULT)
    }
    if isinstance(data, Fit):
        studies = data.studies
        options = {name: v for name, v in data.spec.options().items() if name != "prediction"} | options
    else:
        studies, _ = find_studies(data, options.get("cluster"))
    model = options["model"] = known_name("model", options.get("model", "binomial-normal"), REGRESSIONS)
    kind = REGRESSIONS[model]
    if options.get("cluster") is not None:
        name = check_text("cluster", options["cluster"])
        if not kind.clustered:
            raise InvalidArgument(
                f"{option('cluster', name)} is not offered with moderators in {option('model', model)}: "
                f"choose {option('model', 'inverse-variance')}, whose standard errors can be cluster-robust"
            )
        studies.clusters(name)
    wanted = options.setdefault("prediction", "hts")
    if wanted is not None and known_name("prediction", wanted, ("hts",)):
        options["prediction"] = "hts"
    if isinstance(data, Fit) and data.spec.prediction is None and "prediction" not in given:
        options["prediction"] = None
    spec = resolve(**options)
    possible = kind.intervals if spec.cluster is None else kind.clustered
    if spec.ci not in possible:
        where = f" and {option('cluster', spec.cluster)}" if spec.cluster else ""
        raise InvalidArgument(
            f"{option('ci', spec.ci)} is not offered with moderators in {option('model', model)}{where}: "
            f"choose {', '.join(map(repr, possible))}"
        )
    return studies, spec


def _further_notes(model: Regressor, without: float, names: Sequence[str]) -> list[str]:
    """Say what a reader must know of limits without end, of few studies and of shares of nothing."""
    notes = []
    found = model.coefficients
    endless = [names[j] for j in np.flatnonzero(np.isinf(found.low) | np.isinf(found.high)).tolist()]
    if endless:
        notes.append(
            f"No finite limit of {few(endless)}: at the level {model.spec.level:.12g} the likelihood does "
            "not fall far enough, however far away."
        )
    slopes = model.p - 1
    if model.k < _PER_MODERATOR * slopes:
        notes.append(
            f"{model.k} studies for {slopes} coefficient{'s' * (slopes > 1)} of moderators: fewer than ten "
            "for each, the usual rule (Cochrane Handbook, 10.11.5.1); take this as a hint, not as a finding."
        )
    if without == 0:
        notes.append("R2 has no value: without moderators tau2 is estimated as 0.")
    elif np.isnan(without):
        notes.append("R2 has no value: tau2 is not estimated.")
    if model.k - model.p < 2 and model.spec.prediction is not None:
        notes.append(
            f"No interval of a new study: {model.k} studies leave too little for {model.p} coefficients."
        )
    return notes


def _permuted(model: Regressor, design: Design, count: Any, spec: Spec) -> dict[str, Any]:
    """Return the fields of the permutation tests."""
    count = check_whole("permutations", count, 0)
    if 0 < count < _FEWEST_ORDERS:
        raise InvalidArgument(
            f"{option('permutations', count)}: must be 0 or a whole number of {_FEWEST_ORDERS} or more"
        )
    if count == 0:
        return {
            "permutations": 0,
            "all_permutations": False,
            "QM_permutation_pvalue": float("nan"),
            "permutation_pvalue": np.full(model.p, np.nan),
        }
    if spec.cluster is not None:
        raise InvalidArgument(
            f"{option('permutations', count)} has no meaning with {option('cluster', spec.cluster)}: studies "
            "of a cluster are not exchangeable"
        )
    codes = np.unique(design.x, axis=0, return_inverse=True)[1].reshape(-1)
    rng = np.random.default_rng(_FIXED_SEED if spec.seed is None else spec.seed)
    orders, complete_set = rearrangements(codes, int(count), rng)
    mine = model.permuted(np.arange(model.k)[None])
    drawn = model.permuted(orders)
    # as large or larger; a rearrangement without a statistic counts as larger
    beyond = [~(other < own * (1 - 1e-9) - 1e-12) for own, other in zip(mine, drawn, strict=True)]
    return {
        "permutations": len(orders),
        "all_permutations": complete_set,
        "QM_permutation_pvalue": float(beyond[0].mean()),
        "permutation_pvalue": np.concatenate([[np.nan], beyond[1].mean(axis=0)]),
    }
