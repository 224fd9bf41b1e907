"""What a reader must know who reads a test of small-study effects, in sentences."""

import numpy as np

from metaresp.analyses.size_methods import GROWING, OF_EFFECTS, Answer, Method
from metaresp.errors import few

ENOUGH_STUDIES = 10
_ALIKE = 4.0  # times that the largest trial is the smallest, below which there is little to see
_OUTWEIGHS = 10.0  # times that the largest trial is the next, from which on a slope rests on it

CAUSES = (
    "An effect of size has many causes (other patients, settings, methods, follow-up); unpublished trials "
    "are one of them."
)
DEPENDENT = (
    "The effects of studies and their standard errors both hang on the rate, so that this finds an effect of "
    "size where there is none: it rejected up to {most} of sets without one "
    "(docs/decisions/small-study-effects.md). method='binomial' does not have this fault."
)
OUTWEIGHED = (
    "The slope rests on one trial, {study} (n = {n:,}): what sets it apart from the others cannot be told "
    "from an effect of size, and the test rejected up to 21% of sets of such sizes without one."
)
LFK_WARNING = (
    "The LFK index is no test: how often it is beyond 1 or 2 by chance depends on the number of studies, "
    "their sizes and the heterogeneity (Schwarzer, Ruecker and Semaca 2024). pvalue='bootstrap' gives it a "
    "p-value."
)


def notes_of(asked: Method, answer: Answer) -> tuple[str, ...]:
    """Return the caveats of a method, and what was done to awkward data."""
    fit, k = asked.fit, asked.fit.k
    notes: list[str] = []
    if not asked.counts:
        if fit.spec.transform is None:
            notes.append(f"Effects are logits: a {fit.spec.model} fit has none with a known variance.")
        corrected = np.flatnonzero(asked.own.corrected[0])
        if corrected.size:
            named = few([fit.studies.study[i] for i in corrected.tolist()])
            notes.append(
                f"{asked.spec.correction:g} was added to events and non-events of {corrected.size} of {k} "
                f"studies for this ({named}); none is left out."
            )
        hangs = asked.scale not in {"arcsine", "freeman-tukey"}
        if hangs and asked.tests and (not asked.predictor or asked.predictor in OF_EFFECTS):
            notes.append(DEPENDENT.format(most="99%" if asked.predictor else "80%"))
        elif hangs and asked.tests:
            notes.append("The weights hang on the rates; rates near 0% or 100% make this test too bold.")
    if not asked.tests:
        notes.append(LFK_WARNING)
    notes += answer.notes
    if asked.predictor in GROWING:
        notes.append("No limit: with this predictor the line ends at a study without patients.")
    least, most = int(fit.studies.n.min()), int(fit.studies.n.max())
    if most < _ALIKE * least:
        notes.append(f"The sizes are alike ({least:,} to {most:,}): there is little that could hang on them.")
    order = np.argsort(fit.studies.n)
    if asked.counts and most > _OUTWEIGHS * fit.studies.n[order[-2]]:
        notes.append(OUTWEIGHED.format(study=fit.studies.study[order[-1]], n=most))
    if k < ENOUGH_STUDIES:
        notes.append(f"{k} studies are few: only strong effects are found, and a large p-value says little.")
    return (*notes, CAUSES)
