"""Do the intervals of the binomial-normal model hold with two and three studies, and with unlike ones?

Draws data sets on a grid (k 2 to 20; n 7-40 to 3,000-10,000, and 7-40 with one study of 2,000; rate .01, .05,
.3; tau 0 to 2; a rate of .7 is that of .3 mirrored) and counts how often

* the profile likelihood of the typical rate and of the mean rate has fallen, at the truth, by no more than
  the critical value of ``bartlett``, which is that its interval covers, and than that of Lawley's expansion;
* the interval of tau holds the true one, ``cox-reid`` and ``profile``;
* the interval of each study's true rate holds it, with mu and tau unknown and at their estimates.

Sets without an event, or without any but events, have the exact answer of the totals, whose interval counts.

Run: ``python docs/validation/few_studies.py rates --sets 2000 [--k 2 3]``, the same with ``tau`` and with
``studies``, and with ``--rate``, ``--tau`` and ``--n`` for part of the grid; rows of the same cells in
``few_studies.csv`` are replaced.  ``few_studies.py report`` writes ``few_studies.md``.
"""

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np
from scipy import special

import metaresp as mr
from metaresp.counts import clean
from metaresp.kernel.counts.calibrations import bartlett_factor
from metaresp.kernel.counts.mean_rate import mean_fall
from metaresp.kernel.counts.new_trial import Mixture
from metaresp.kernel.counts.profile_limits import mu_limits, profile_fall
from metaresp.kernel.trial.study_rate import Prior, posterior_rates, without_own
from metaresp.model.binomial_normal import BinomialNormal
from metaresp.model.estimates import all_extreme
from metaresp.model.spec import resolve

STUDIES = (2, 3, 4, 5, 10, 20)
DESIGNS = {
    "7-40": (7, 40),
    "30-200": (30, 200),
    "300-1000": (300, 1000),
    "3000-10000": (3000, 10000),
    "7-40 and one of 2000": (7, 40),
}
RATES, TAUS = (0.05, 0.3, 0.01), (0.0, 0.5, 1.0, 2.0)
SHRUNKEN = (("7-40", "30-200"), (3, 5, 10), (0.05, 0.3), (0.0, 0.5, 1.0))
HERE = Path(__file__).parent
COLUMNS = ("kind", "method", "k", "n", "rate", "tau", "sets", "coverage", "coverage_se", "width")
CRITICAL = special.chdtri(1, 0.05)
TAIL, NODES = 0.025, np.polynomial.hermite_e.hermegauss(120)


def draw(rng, sets, k, design, rate, tau):
    """Return events, n and the true rates of each data set."""
    low, high = DESIGNS[design]
    n = rng.integers(low, high + 1, (sets, k))
    if design.endswith("2000"):
        n[:, 0] = 2000
    rates = special.expit(special.logit(rate) + tau * rng.standard_normal((sets, k)))
    return rng.binomial(n, rates), n, rates


def mean_rate(rate, tau):
    """Return the mean over trials of the true rates."""
    return NODES[1] @ special.expit(special.logit(rate) + tau * NODES[0]) / NODES[1].sum()


def fitted(events, n):
    """Return the model of the sets that have one, and which these are."""
    lanes = clean(events, n, None)[0]
    extreme = all_extreme(lanes) | (events.sum(axis=-1) == 0) | (events.sum(axis=-1) == n.sum(axis=-1))
    return BinomialNormal(lanes.take(np.flatnonzero(~extreme)), resolve()), ~extreme


def lawley(w, copies):
    """Return Lawley's expansion as it stands."""
    s1, s2, s3 = (np.sum(copies * (w / w.max(axis=-1, keepdims=True)) ** p, axis=-1) for p in (1, 2, 3))
    return 1 + 2 * s3 / (s1 * s2) - s2 / (2 * s1 * s1)


def rates(events, n, truth, rate, tau):
    """Yield coverage of the typical and the mean rate: kind, method, hits, widths."""
    model, known = fitted(events, n)
    data, fit, mean = model.data, model.fit, mean_rate(rate, tau)
    rows = np.arange(data.lanes)
    fall = profile_fall(data, fit, np.full(rows.size, special.logit(rate)), rows)
    psi = np.full(rows.size, special.logit(mean))
    at_mean = mean_fall(data, fit, psi, rows)
    exact = mr.pool_batch(events[~known], n[~known], prediction=None)
    w = np.maximum(data.information(fit.mu, fit.tau), 0.0)
    few = rows[:300]
    for method, factor in (("bartlett", bartlett_factor), ("Lawley", lawley)):
        critical = CRITICAL * factor(w, data.copies)
        ends = mu_limits(data.take(few), fit.take(few), critical[few])
        width = special.expit(ends.high) - special.expit(ends.low)
        by_totals = (exact.low <= rate) & (rate <= exact.high)
        yield "typical rate", method, np.concatenate([fall <= critical, by_totals]), width
        by_totals = (exact.mean_low <= mean) & (mean <= exact.mean_high)
        yield "mean rate", method, np.concatenate([at_mean <= critical, by_totals]), np.nan


def spread(events, n, truth, rate, tau):
    """Yield coverage of tau; sets without a model have no interval and are left out."""
    model, _ = fitted(events, n)
    for method in model.tau2_methods:
        low, high = (np.sqrt(end) for end in model.tau2_limits(method, 1 - 2 * TAIL))
        yield "tau", method, (low <= tau) & (tau <= high), np.minimum(high, 25.0) - low


def studies(events, n, truth, rate, tau):
    """Yield coverage of the true rates of the studies, for each set by the share that is covered."""
    model, known = fitted(events, n)
    (counts, fit), mixture = (model.counts, model.fit), model.mixture[0]
    lanes, k = counts.x.shape
    parts = [
        without_own(model.data.take(np.array([i])), Mixture(*(field[i : i + 1] for field in mixture)))
        for i in range(lanes)
    ]
    prior = Prior(*(np.concatenate(field) for field in zip(*parts, strict=True)))
    found = posterior_rates("logit", counts.x.ravel(), counts.n.ravel(), prior, TAIL)
    ends = {"mu and tau unknown": (found.low, found.high)}
    alone = [np.repeat(field, k)[:, None] for field in (np.ones(lanes), fit.mu, np.maximum(fit.tau, 1e-6))]
    found = posterior_rates("logit", counts.x.ravel(), counts.n.ravel(), Prior(*alone), TAIL)
    pooled = mr.pool_batch(counts.x, counts.n, prediction=None)
    zero = np.repeat(fit.tau == 0, k)  # the interval of the pooled rate took the place of one without width
    low, high = (
        np.where(zero, np.repeat(end, k), own)
        for end, own in ((pooled.low, found.low), (pooled.high, found.high))
    )
    ends["at their estimates"] = low, high
    for method, (low, high) in ends.items():
        low, high = low.reshape(lanes, k), high.reshape(lanes, k)
        yield "study rate", method, ((low <= truth[known]) & (truth[known] <= high)).mean(axis=1), high - low


def measured(part, sets, chosen):
    """Yield the rows of one part of the table."""
    grid = list(itertools.product(DESIGNS, STUDIES, RATES, TAUS))
    ask = {"rates": rates, "tau": spread, "studies": studies}[part]
    wanted = set(itertools.product(*SHRUNKEN)) if part == "studies" else set(grid)
    for i, cell in sorted(enumerate(grid), key=lambda pair: pair[1][1]):
        design, k, rate, tau = cell
        if cell in wanted and chosen(k, design, rate, tau):
            data = draw(np.random.default_rng([1956, i]), sets, k, design, rate, tau)
            about = {"k": k, "n": design, "rate": rate, "tau": tau}
            for kind, method, hits, width in ask(*data, rate, tau):
                yield {"kind": kind, "method": method} | about | row(hits, width)


def row(hits, width):
    """Return coverage with its Monte Carlo error, and mean width."""
    return {
        "sets": len(hits),
        "coverage": round(float(np.mean(hits)), 4),
        "coverage_se": round(float(np.std(hits) / np.sqrt(len(hits))), 4),
        "width": round(float(np.mean(width)), 4),
    }


def report(path):
    """Write the least coverage of every kind, method and number of studies, and the cells that fail."""
    import pandas as pd

    table = pd.read_csv(path)
    table["where"] = [f"n {c.n}, rate {c.rate:g}, tau {c.tau:g}" for c in table.itertuples()]
    table["required"] = np.where(table.k == 2, 0.93, 0.935)
    lines = [
        "# Coverage with few and with unlike studies",
        "",
        "Written by `few_studies.py` from `few_studies.csv`. Nominal level .95; below: cells under .935 (.93 "
        "for two studies); ± is the Monte Carlo standard error; widths are of rates, and of tau up to 25. "
        "Where cells are fewer than the grid has, only those were measured.",
        "",
        "| interval of | method | k | cells | least coverage | where | below | mean coverage | mean width |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (kind, method, k), cells in table.groupby(["kind", "method", "k"], sort=False):
        worst = cells.loc[cells.coverage.idxmin()]
        lines.append(
            f"| {kind} | {method} | {k} | {len(cells)} | {worst.coverage:.3f} ± {worst.coverage_se:.3f} | "
            f"{worst['where']} | {(cells.coverage < cells.required).sum()} | {cells.coverage.mean():.3f} | "
            f"{'' if cells.width.isna().any() else f'{cells.width.mean():.3f}'} |"
        )
    defaults = table[table.method.isin(["bartlett", "cox-reid", "mu and tau unknown"])]
    lines += [
        "",
        "## Cells of the defaults that fail",
        "",
        "| interval of | k | cell | coverage |",
        "|---|---|---|---|",
    ]
    for c in defaults[defaults.coverage < defaults.required].itertuples():
        lines.append(f"| {c.kind} | {c.k} | {c.where} | {c.coverage:.3f} ± {c.coverage_se:.3f} |")
    path.with_suffix(".md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def main():
    """Write one part of the table, or the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("rates", "tau", "studies", "report"))
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--k", nargs="+", type=int, default=STUDIES)
    parser.add_argument("--n", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--rate", nargs="+", type=float, default=RATES)
    parser.add_argument("--tau", nargs="+", type=float, default=TAUS)
    parser.add_argument("--out", type=Path, default=HERE / "few_studies.csv")
    asked = parser.parse_args()
    if asked.part == "report":
        report(asked.out)
        return
    kinds = {"rates": ("typical rate", "mean rate"), "tau": ("tau",), "studies": ("study rate",)}[asked.part]
    kept = []

    def chosen(k, design, rate, tau):
        return (
            int(k) in asked.k and design in asked.n and float(rate) in asked.rate and float(tau) in asked.tau
        )

    def replaced(old):
        return old["kind"] in kinds and chosen(old["k"], old["n"], old["rate"], old["tau"])

    if asked.out.exists():
        with open(asked.out, newline="", encoding="utf-8") as file:
            kept = [old for old in csv.DictReader(file) if not replaced(old)]
    with open(asked.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(kept)
        for new in measured(asked.part, asked.sets, chosen):
            writer.writerow(new)
            file.flush()


if __name__ == "__main__":
    main()
