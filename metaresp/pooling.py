"""pool: one meta-analysis, from studies in any form to a Fit."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from metaresp.arrays import silent
from metaresp.binomial import binomial_ci
from metaresp.counts import clean
from metaresp.errors import CannotEstimate, option
from metaresp.inputs import find_studies
from metaresp.model.base import Model
from metaresp.model.batch import estimate, mean_interval, weights
from metaresp.model.estimates import EXACT, REASONS
from metaresp.model.kept import clusters_of, keep, lane_of
from metaresp.model.registry import model_of
from metaresp.model.spec import DEFAULT, Option, Spec, nested_only, resolve
from metaresp.outcome_words import outcome_words
from metaresp.readable import readable
from metaresp.records import Interval, Later
from metaresp.result import Fit, Heterogeneity, Levels
from metaresp.sentences import listed, names, nothing_nested, say, say_nested, say_sparse
from metaresp.studies import Studies
from metaresp.transforms import LEAVE_OUT


@silent
def pool(
    data: Any = None,
    *,
    events: Any = None,
    n: Any = None,
    study: Any = None,
    response: Any = None,
    percent: str | None = None,
    enrolled: str | None = None,
    missing: str = "raise",
    totals: str = "raise",
    unit: str | None = None,
    nearest: bool = False,
    sheet: int | str | None = None,
    encoding: str | None = None,
    covariates: Sequence[str] | None = None,
    model: str = DEFAULT,
    link: Option = DEFAULT,
    effects: Option = DEFAULT,
    transform: Option = DEFAULT,
    tau2: Option = DEFAULT,
    ci: Option = DEFAULT,
    prediction: Option = DEFAULT,
    correction: Option = DEFAULT,
    correct: Option = DEFAULT,
    back_n: Option = DEFAULT,
    penalty: Option = DEFAULT,
    cluster: str | Sequence[Any] | None = None,
    like: str | None = None,
    level: float = 0.95,
    study_ci: str = "clopper-pearson",
    seed: int | None = None,
    outcome: str | None = None,
    digits: int | None = None,
) -> Fit:
    """Pool the response rates of single-arm studies.

    Parameters
    ----------
    data : Studies, DataFrame or path, optional
        The studies.  With a frame or a file, *events*, *n*, *study* and *response* are column names and
        are recognised when not given; without *data* they are the values themselves.
    events, n, study, response
        Columns or values: responders, patients, labels; or fractions such as "13/18" in one.
    missing : {"raise", "drop"}
        What to do with rows of a frame or file whose events or n are missing; dropped ones are listed
        in ``fit.studies.excluded`` and ``fit.notes``.
    percent, enrolled, totals, unit, nearest, sheet, encoding, covariates
        How a frame or a file is read: see :func:`metaresp.read_studies`.  *sheet* and *encoding* go with a
        file only.
    model : {"binomial-normal", "inverse-variance", "beta-binomial", "common"}
        ``binomial-normal``: counts are binomial, logits (or rates on another link) normal; nothing is
        corrected.
        ``inverse-variance``: transformed rates with known variances.  ``beta-binomial``: rates have a
        beta distribution; ``rate`` is its mean.  ``common``: one rate, exact.
    link : {"logit", "probit", "cloglog", "cauchit", "log"}
        Scale of the binomial-normal model.  On the log scale a trial whose theta is 0 or more has a rate
        of 1.
    effects : {"normal", "t", "mixture"}
        Form of the binomial-normal model's effects on that scale.  ``t``: Student's t with 4 degrees of
        freedom; ``mixture``: a tenth of the trials is three times as far spread, and ``fit.study_rates()``
        tells how probably each study is one of them.  With either, outlying trials pull less; tau2 is the
        variance in every form.
    transform : str
        Scale of the inverse-variance model: a name of ``metaresp.transforms.TRANSFORMS``.
    tau2 : str or float
        Between-study variance (inverse variance): a name of ``TAU2``, or a number.
    ci : str
        Interval of the pooled rate.  Binomial-normal: ``bartlett`` (default; profile likelihood with
        Bartlett's correction), ``profile``, ``profile-f``, ``profile-t``, ``bootstrap``, ``t``, ``normal``.
        Beta-binomial: the same names and default.  Inverse variance:
        ``hartung-knapp`` (default), ``t``, ``normal`` and further names of ``MEAN_CI``.
        Common: a method of :func:`metaresp.binomial_ci`.
    prediction : str or None
        Interval of a new trial.  Binomial-normal: ``likelihood`` (default; carries the uncertainty of mu
        and tau), ``hts`` (k - 2 degrees of freedom), ``t``, ``normal``.  Inverse variance: ``hts``
        (default) and further names of ``PREDICTION``.  Beta-binomial: ``likelihood`` (default; carries the
        uncertainty of the mean and of rho), ``hts``, ``t``, ``normal`` (rho as estimated).
    correction, correct
        Inverse variance on a logit or log scale: what is added to events and non-events (0.5), and to
        which studies (``only-zero``, ``if-any``, ``all``, ``none``); further rules are those of R's meta, for
        studies at 0 or n: ``variance`` (identity scale: to the variance alone), ``events`` (log scale: not to
        the non-events), and of Stata's metaprop: ``leave-out`` (they take no part).
    back_n : str
        Sample size of the Freeman-Tukey back-transform: a name of ``metaresp.transforms.BACK_N``.
    penalty : tuple of str and float, optional
        Binomial-normal: a penalty on tau and its scale, ``("half-normal", 1)`` or ``("half-cauchy", 0.5)``;
        estimates and intervals are those of the penalised likelihood.  For few events, where the likelihood
        alone does not bound tau.  ``("log-f", 1)`` penalises mu as half a response and half a non-response
        would.
    cluster : str, optional
        Covariate that tells which studies belong together (a centre, a trial with several arms): their
        logits, or transformed rates, vary between clusters and within them.  Or, where *events* and *n*
        are the values themselves, the labels.  Only for studies of different patients: of reports that
        share patients keep the largest, ``studies.largest_per("centre")``.  Binomial-normal, on any link:
        ``ci`` is ``bartlett`` (default, by the clusters), ``t`` (clusters - 1 degrees of freedom),
        ``normal``, ``profile`` or ``profile-t``; ``prediction`` is ``likelihood`` (default), ``hts``, ``t``
        or ``normal``.  Inverse variance: REML with ``CR2`` (default; cluster-robust, Satterthwaite),
        ``CR1``, ``t`` or ``normal``.
    like : str, optional
        A program whose defaults to take: ``meta``, ``metafor``, ``stata-metaprop`` and further names of
        ``metaresp.model.programs.PROGRAMS``, which says of which version.  What is given beside it wins;
        without *model* it is the program's first that has every option given.
    level : float
        Confidence level of every interval.
    study_ci : str
        Interval of each study: a method of :func:`metaresp.binomial_ci`.
    seed : int, optional
        Seed of methods that simulate; without one they use a fixed seed, so the same call gives the
        same answer.
    outcome : str, optional
        What is counted, for heads and sentences: ``"Adverse reactions"`` makes "0 of 72 patients had an
        adverse reaction".  Responses when not given.
    digits : int, optional
        Decimals of printed percentages, in tables, figures and sentences; as many as the intervals need
        when not given.  What they would show as 0% or 100% and is not reads ``<0.1%`` or ``>99.9%``.

    Returns
    -------
    Fit

    Raises
    ------
    InvalidStudies
        Counts break a rule; the text names file, row, column and value.
    InvalidArgument
        An option has no such value, or no meaning for the model.
    CannotEstimate
        There is no study to pool, or the interval does not exist for these data.

    Notes
    -----
    Default model: Stijnen, Hamza and Ozdemir (2010), Statistics in Medicine 29:3046, by maximum
    likelihood with adaptive quadrature.  R: ``metafor::rma.glmm(measure="PLO", test="t")``,
    ``meta::metaprop(method="GLMM")``; there the intervals are normal by default.

    Examples
    --------
    >>> import metaresp as mr
    >>> fit = mr.pool(events=[13, 4, 9], n=[18, 7, 15])
    >>> round(fit.rate, 4), [round(limit, 4) for limit in fit.rate_ci]
    (0.65, [0.311, 0.8812])
    >>> mr.pool(events=[0, 0, 0], n=[18, 12, 7]).notes[0].partition(";")[0]
    'No event in any study: exact binomial interval on the totals, as if all studies had one rate'
    >>> centres = mr.pool(events=[1, 2, 9, 7, 4, 0], n=[9, 12, 14, 11, 8, 6], cluster=list("aabbba"))
    >>> round(centres.rate, 2), centres.clusters, round(centres.tau2_between, 1), centres.tau2_within
    (0.31, 2, 1.5, 0.0)
    """
    options: dict[str, Any] = {
        "model": model,
        "link": link,
        "effects": effects,
        "transform": transform,
        "tau2": tau2,
        "ci": ci,
        "prediction": prediction,
        "correction": correction,
        "correct": correct,
        "back_n": back_n,
        "penalty": penalty,
        "like": like,
        "level": level,
        "study_ci": study_ci,
        "seed": seed,
        "outcome": outcome,
        "digits": digits,
    }
    spec = resolve(**options) if cluster is None else None
    studies, name = find_studies(
        data,
        cluster,
        events=events,
        n=n,
        study=study,
        response=response,
        percent=percent,
        enrolled=enrolled,
        missing=missing,
        totals=totals,
        unit=unit,
        nearest=nearest,
        sheet=sheet,
        encoding=encoding,
        covariates=covariates,
    )
    if not len(studies):
        raise CannotEstimate(f"no study to pool: {listed(studies)}")
    note = ""
    if spec is None:
        spec, note = _clustered(studies, name, options)
    return fit_studies(studies, spec, note)


def _clustered(studies: Studies, cluster: str, options: dict[str, Any]) -> tuple[Spec, str]:
    """Resolve the options for clustered studies: the nested model, where there is something to nest.

    Returns
    -------
    spec : Spec
    note : str
        Why the model is the ordinary one, or empty.
    """
    count, k = len(studies.clusters(cluster)), len(studies)
    if 1 < count < k or options["ci"] in nested_only():
        return resolve(**options, cluster=cluster), ""
    return resolve(**options), nothing_nested(cluster, count, k)


@silent
def fit_studies(studies: Studies, spec: Spec, note: str = "") -> Fit:
    """Fit one lane and dress it; *note* is said before what the fit has to say."""
    counts, _ = clean(studies.events, studies.n, None)
    lane, place = lane_of(counts, spec)
    model = model_of(spec)(lane, spec, clusters_of(studies, spec), later=True)
    found = estimate(model)
    levels: Levels | None = None
    parts = model.levels(found)
    if spec.cluster is not None and parts is not None:
        levels = Levels(cluster=spec.cluster, clusters=len(studies.clusters(spec.cluster)), **parts)
    shares: Any = Later(lambda: (weights(model, found) / lane.copies)[0, place])
    one = found.one()
    reason = outcome_words(spec.outcome).retold(REASONS[one["reason"]])
    if np.isnan(one["estimate"]):
        at_edge = np.flatnonzero((studies.events == 0) | (studies.events == studies.n)).tolist()
        if spec.correct in {"none", LEAVE_OUT} and at_edge:
            raise CannotEstimate(
                f"{option('correct', spec.correct)} leaves {names(studies, at_edge)} at 0 or n without a "
                f"variance on the {spec.transform} scale: use {option('correct', 'only-zero')}, "
                f"{option('transform', 'arcsine')} or a count model"
            )
        raise CannotEstimate(f"{option('model', spec.model)}: {reason or 'no estimate for these data'}")
    if np.isnan(one["low"]) or np.isnan(one["high"]):
        alone = " of one cluster" if levels is not None and levels.clusters == 1 else ""
        raise CannotEstimate(
            f"{option('ci', spec.ci)} has no limits for these data{alone}: choose another interval"
        )
    study_ci: Any = Later(
        lambda: binomial_ci(
            studies.events, studies.n, method=spec.study_ci, level=spec.level, digits=spec.digits
        )
    )
    if spec.study_ci == "blyth-still-casella":
        study_ci = study_ci()  # the one that may have no answer, and says so now
    heterogeneity = _heterogeneity(model, one)
    mean_ci: Any = Later(lambda: Interval(*(end[0].item() for end in mean_interval(model, found))))

    new: Any = _interval(one["prediction_low"], one["prediction_high"])
    new_estimate: Any = _interval(one["estimate_prediction_low"], one["estimate_prediction_high"])
    if model.waits and one["reason"] not in EXACT:
        new, new_estimate = Later(lambda: model.new_interval()[0]), Later(lambda: model.new_interval()[1])

    def said() -> tuple[str, ...]:
        sparse = say_sparse(model, one, lambda: heterogeneity.H2_ci)
        notes = (note, *say(studies, model, one, reason), *say_nested(spec, one, levels), *sparse)
        return tuple(readable(words) for words in notes if words)

    notes: Any = Later(said)
    result = Fit(
        studies=studies,
        spec=spec,
        rate=one["rate"],
        rate_ci=Interval(one["low"], one["high"]),
        mean_rate=one["mean_rate"],
        mean_rate_ci=mean_ci,
        prediction_interval=new,
        estimate=one["estimate"],
        se=one["se"],
        df=one["df"],
        estimate_ci=Interval(one["estimate_low"], one["estimate_high"]),
        estimate_prediction=new_estimate,
        tau2=one["tau2"],
        rho=one["rho"],
        heterogeneity=heterogeneity,
        levels=levels,
        loglik=one["loglik"],
        weights=shares,
        study_ci=study_ci,
        reason=reason,
        notes=notes,
    )
    keep(result, model)
    return result


def _heterogeneity(model: Model, one: dict[str, Any]) -> Heterogeneity:
    spec = model.spec
    i2_ci: Any = None
    h2_ci: Any = None
    by_q = _interval(one["I2_Q_low"], one["I2_Q_high"])
    if spec.tau2 == "common":
        i2_ci = by_q
    elif model.I2_has_interval and one["reason"] not in EXACT:
        typical = one["typical_v"]
        limits = Later(lambda: [limit.item() for limit in model.tau2_limits(None, spec.level)])
        i2_ci = Later(lambda: Interval(*(_share(limit, typical) for limit in limits())))
        h2_ci = Later(lambda: Interval(*(1 + limit / typical for limit in limits())))
    return Heterogeneity(
        Q=one["Q"],
        df=one["Q_df"],
        pvalue=one["Q_pvalue"],
        I2=one["I2"],
        H2=one["H2"],
        I2_Q=one["I2_Q"],
        I2_ci=i2_ci,
        H2_ci=h2_ci,
        I2_Q_ci=by_q,
        lrt=one["lrt"],
        lrt_pvalue=one["lrt_pvalue"],
        Q_definition=model.Q_definition,
        I2_definition=model.I2_definition(spec),
    )


def _share(tau2: float, typical_v: float) -> float:
    return 100.0 if math.isinf(tau2) else 100 * tau2 / (tau2 + typical_v)


def _interval(low: float, high: float) -> Interval | None:
    return None if np.isnan(low) else Interval(low, high)
