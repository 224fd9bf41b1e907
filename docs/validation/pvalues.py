"""Is the p-value of a benchmark the level at both limits, and does it rise towards the estimate?

Draws data sets (2 to 40 studies of 2 to 1,000,000 patients, a quarter with one huge study among small ones;
typical rate .005 to .995, tau 0 to 2; a tenth of the studies without an event), pools them by every model in
batches, and asks for p-values by the functions that answer ``fit.test``: at both limits of the 95% interval,
where p should be .05, and at benchmarks between and beyond the limits and all over the range of the studies,
where p should rise up to the estimate and fall behind it.

A limit at a rate of 0, or nearer to 1 than a float resolves, is no benchmark and is left out of the first
question.  Intervals of the inverse-variance model without a t are asked set by set, and so fewer of them.

Run: ``python docs/validation/pvalues.py`` writes ``pvalues.md``; with fewer ``--fits``, or with ``--only``
some models by a part of their names, it prints only.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.binomial import binomial_test
from metaresp.counts import clean
from metaresp.model.batch import estimate, mean_interval
from metaresp.model.estimates import all_extreme, is_exact
from metaresp.model.registry import model_of
from metaresp.model.spec import resolve

FITS, SEED = 20_000, 1956
LEVEL = 0.95
AT_LIMIT, FALLS_BACK = 1e-6, 1e-7
STUDIES = (2, 3, 4, 5, 6, 8, 12, 20, 40)
BETWEEN = np.array([0.05, 0.3, 0.6, 0.85, 1.1, 1.5, 2.5])  # of the way to a limit
LINE = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # of the range of the studies
NEAR_ONE = 1e-9  # rates nearer to 1 lose the digits that tell their logit
MODELS = [  # how many of 20,000 fits, by how long they take, and the options
    (1280, {"ci": "bartlett"}),
    *((150, {"ci": ci}) for ci in ("profile", "profile-t", "profile-f")),
    *((960, {"ci": ci}) for ci in ("t", "normal")),
    *((100, {"penalty": penalty}) for penalty in (("half-normal", 1.0), ("half-cauchy", 0.5))),
    (4480, {"model": "beta-binomial", "ci": "bartlett"}),
    *(
        (640, {"model": "beta-binomial", "ci": ci})
        for ci in ("profile", "profile-t", "profile-f", "t", "normal")
    ),
    *((960, {"model": "inverse-variance", "ci": ci}) for ci in ("hartung-knapp", "t", "normal")),
    *((24, {"model": "inverse-variance", "ci": ci, "tau2": "DL"}) for ci in ("profile", "henmi-copas")),
    (960, {"model": "inverse-variance", "transform": "freeman-tukey"}),
    (960, {"model": "inverse-variance", "cluster": "cluster"}),
    *(
        (960, {"model": "common", "ci": ci})
        for ci in ("clopper-pearson", "mid-p", "wilson", "likelihood-ratio")
    ),
    *((24, {"link": link, "ci": ci}) for link in ("probit", "cloglog") for ci in ("bartlett", "profile-t")),
    (24, {"cluster": "cluster", "ci": "bartlett"}),
    *((12, {"cluster": "cluster", "ci": ci}) for ci in ("profile", "profile-t", "t")),
    *((12, {"effects": name}) for name in ("t", "mixture")),
    *((12, {"link": link}) for link in ("cauchit", "log")),
    (12, {"cluster": "cluster", "link": "probit"}),
]
BATCH = 640  # from 500 sets on compiled code works out logits, where it is installed
PAGE = """\
# The p-value of a benchmark

Written by `python docs/validation/pvalues.py`, which pools {total:,} data sets. A 95% interval is what a test
at .05 leaves in: at each of its limits p should be .05, and nearer to the estimate p should be no less.
*Misses* are limits where p differs from .05 by more than 1e-6, *falls back* counts fits where p falls by more
than 1e-7 from any of {points} benchmarks to one nearer to the estimate.

Where one study outweighs all others a profile likelihood can have two hills, with a valley between them that
the interval holds too. The p-value of a benchmark is therefore the largest of all benchmarks as far from the
estimate or farther ([decision](../decisions/pvalue-two-hills.md)).

| model | rate | fits | limits | largest difference from .05 | misses | largest fall | falls back |
|---|---|---|---|---|---|---|---|
{rows}
"""


class Found(NamedTuple):
    """Of some fits: how far p is from .05 at their limits, and how far it falls back towards the estimate."""

    miss: np.ndarray  # (sets, 2); NaN where a limit is no benchmark
    back: np.ndarray  # (sets,)
    x: np.ndarray  # (sets, k)
    n: np.ndarray
    copies: np.ndarray


def draw(rng, sets, studies=STUDIES):
    """Return events, n and copies of data sets, shape (sets, k); many have no copy of some studies."""
    k = int(rng.choice(studies))
    most = rng.choice([20, 60, 400, 10_000, 1_000_000], (sets, 1), p=[0.3, 0.3, 0.2, 0.1, 0.1])
    n = np.exp(rng.uniform(np.log(2), np.log(most), (sets, k))).astype(np.int64)
    huge = rng.random(sets) < 0.25
    n[huge, 0] = rng.choice([2_000, 5_000, 100_000, 1_000_000], huge.sum())
    rate = np.where(
        rng.random((sets, 1)) < 0.5, rng.uniform(0.005, 0.995, (sets, 1)), rng.uniform(0.005, 0.1, (sets, 1))
    )
    rate = np.where(rng.random((sets, 1)) < 0.2, 1 - rate, rate)
    tau = rng.choice([0.0, 0.0, 0.1, 0.3, 0.6, 1.0, 2.0], (sets, 1))
    x = rng.binomial(n, special.expit(special.logit(rate) + tau * rng.standard_normal((sets, k))))
    none = (rng.random((sets, 1)) < 0.15) & (rng.random((sets, k)) < 0.7) & (np.arange(k) > 0)
    return np.where(none, 0, x), n, 1 * (np.arange(k) < rng.integers(studies[0], k, (sets, 1), endpoint=True))


def falls_back(at, p, centre):
    """Return by how much p falls, at most, from a benchmark to one nearer to the estimate."""
    worst = np.zeros(len(at))
    for values, places, sign in ((p, at, 1), (p[:, ::-1], at[:, ::-1], -1)):
        before = sign * (centre[:, None] - places) >= 0
        highest = np.maximum.accumulate(np.where(before, values, 0.0), axis=-1)
        worst = np.maximum(worst, np.where(before, highest - values, 0.0).max(axis=-1))
    return worst


def answers(ask, low, centre, high, ends, is_limit):
    """Return what *ask* says: how far p is from .05 at the limits, and how far it falls back."""
    shares = [centre + (end - centre) * share for end in (low, high) for share in BETWEEN]
    line = [ends[0] + (ends[1] - ends[0]) * share for share in LINE]
    at = np.sort(np.stack(shares + line, axis=-1), axis=-1)
    p = ask(np.column_stack([low, high, at]))
    miss = np.where(is_limit, np.abs(p[:, :2] - (1 - LEVEL)), np.nan)
    return miss, falls_back(at, p[:, 2:], centre)


def benchmark(*rates):
    """Tell which limits can be asked for."""
    both = np.stack(rates, axis=-1)
    return (both > 1e-12) & (both < 1 - NEAR_ONE)


def logit(rates):
    """Return logits, of rates no nearer to 0 or 1 than a benchmark is."""
    return special.logit(np.clip(rates, 1e-12, 1 - NEAR_ONE))


def wald(found, at):
    """Return p-values of intervals that are the estimate and a quantile of t times its error."""
    centre, se, df = (field[:, None] for field in (found.estimate, found.se, found.df))
    far = -np.abs(at - centre) / se
    return 2 * np.where(np.isfinite(df), special.stdtr(df, far), special.ndtr(far))


def asked(options, x, n, copies, codes):
    """Return what one batch of sets finds, by the rate that is asked for."""
    exact = options.get("model") == "common"
    spec = resolve(**options) if exact else resolve(**options, prediction=None)
    model = model_of(spec)(clean(x, n, copies)[0], spec, codes)
    if not exact:
        can = (model.classify() == 0) & ~all_extreme(model.counts)
        model = model.take(np.flatnonzero(can))
    found, counts = estimate(model), model.counts
    if exact:
        out = {"typical": exactly(counts, found, spec.ci)}
        known = np.ones(len(x), dtype=bool)
    else:
        known = ~is_exact(found.reason) & np.isfinite(found.estimate_low) & (found.se > 1e-12)
        seen = np.where(counts.copies > 0, (counts.x + 0.5) / (counts.n + 1), np.nan)
        ends = np.nanmin(seen, axis=-1), np.nanmax(seen, axis=-1)
        out = {"typical": typical(model, found, ends)}
        if not model.rate_is_mean and model.mean_pvalues(np.full((len(known), 1), 0.5)) is not None:
            out["mean"] = of_mean(model, found, ends)
    return {
        of: Found(*(field[known] for field in (*pair, counts.x, counts.n, counts.copies)))
        for of, pair in out.items()
    }


def typical(model, found, ends):
    """Return what the tests of the typical rate say."""

    def ask(at):
        p = model.pvalues(at)
        return wald(found, at) if p is None else p

    scale = np.vectorize(lambda rate, tau2: model.effect_of(float(rate), float(tau2)))
    tau2 = np.nan_to_num(found.tau2)
    parts = found.estimate_low, found.estimate, found.estimate_high, [scale(end, tau2) for end in ends]
    return answers(ask, *parts, benchmark(found.low, found.high))


def of_mean(model, found, ends):
    """Return what the tests of the mean rate over trials say, asked by logits."""
    low, high = mean_interval(model, found)
    parts = logit(low), logit(found.mean_rate), logit(high), [logit(end) for end in ends]

    def ask(psi):  # as far as rates are told from 0 and 1
        return model.mean_pvalues(special.expit(np.clip(psi, -30, 30)))

    return answers(ask, *parts, benchmark(low, high))


def exactly(counts, found, method):
    """Return what the tests of the totals say."""
    events, total = counts.events[:, None], counts.total[:, None]

    def ask(rates):
        return binomial_test(events, total, np.clip(rates, 1e-12, 1 - 1e-12), method=method).pvalue

    ends = found.low / 2, (1 + found.high) / 2
    return answers(ask, found.low, found.rate, found.high, ends, benchmark(found.low, found.high))


def measured(options, fits, rng):
    """Return what at least *fits* fits find, by the rate that is asked for."""
    out, done = {}, 0
    nested = "cluster" in options
    while done < fits:
        sets = min(BATCH, max(int(np.ceil(fits - done)), 12))
        drawn = draw(rng, sets, STUDIES[2:] if nested else STUDIES)
        codes = np.arange(drawn[0].shape[1]) // 2 if nested else None
        for of, found in asked(options, *drawn, codes).items():
            out.setdefault(of, []).append(found)
            done += len(found.back) * (of == "typical")
    return out


def words(options):
    """Return a model in words, from its options."""
    rest = {key: value for key, value in options.items() if key not in {"model", "cluster"}}
    told = (
        f"{key} {value if isinstance(value, str) else ' '.join(map(str, value))}"
        for key, value in rest.items()
    )
    return ", ".join([options.get("model", "binomial-normal") + ", nested" * ("cluster" in options), *told])


def row(name, of, parts):
    """Return a row of the table and the fits that fail."""
    miss, back = (np.concatenate([getattr(part, field) for part in parts]) for field in ("miss", "back"))
    cells = name, of, len(back), np.isfinite(miss).sum(), f"{np.nanmax(miss, initial=0):.1e}"
    cells += (miss > AT_LIMIT).sum(), f"{back.max(initial=0):.1e}", (back > FALLS_BACK).sum()
    bad = [
        (part.miss[i], part.back[i], *(c[i][part.copies[i] > 0].astype(int).tolist() for c in part[2:4]))
        for part in parts
        for i in np.flatnonzero((part.miss > AT_LIMIT).any(axis=-1) | (part.back > FALLS_BACK))
    ]
    return f"| {' | '.join(map(str, cells))} |", bad


def main():
    """Ask, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=FITS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    rows, total = [], 0
    for number, (fits, options) in enumerate(MODELS):
        if chosen.only not in words(options):
            continue
        rng = np.random.default_rng([chosen.seed, number])
        found = measured(options, chosen.fits / FITS * fits, rng)
        total += sum(len(part.back) for part in found["typical"])
        for of, parts in found.items():
            cells, bad = row(words(options), of, parts)
            rows.append(cells)
            print(cells, *bad, sep="\n    ", flush=True)
        if chosen.fits >= FITS and not chosen.only:
            page = PAGE.format(total=total, points=2 * BETWEEN.size + LINE.size, rows="\n".join(rows))
            (Path(__file__).parent / "pvalues.md").write_text(page, encoding="utf-8")
    print(total, "fits")


if __name__ == "__main__":
    main()
