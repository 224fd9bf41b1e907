"""Coverage of the intervals of :func:`metaresp.pool_categories`: ``python docs/validation/categories.py``."""

import numpy as np
from scipy.special import expit, logit

import metaresp as mr

SETS = 600
STEPS = np.array([-1.5, -0.7, 0.3])  # logits of CR, of PR among the rest, of SD among what is left then


def draw(rng, k, n, tau, together):
    """Return counts (sets, k, 4): effects of the steps independent, or one shift of all of them."""
    size = rng.integers(n[0], n[1] + 1, (SETS, k))
    shift = rng.normal(0, tau, (SETS, k, 1 if together else 3))
    rates = expit(STEPS + shift)
    left, counts = size, []
    for step in range(3):
        counts.append(rng.binomial(left, rates[..., step]))
        left = left - counts[-1]
    return np.stack([*counts, left], axis=-1)


def covered(counts, by_steps, typical):
    """Return coverage of the three definitions, pooled by steps and each by itself."""
    ended = np.cumsum(counts, axis=-1)
    n = ended[..., -1]
    left = np.concatenate([n[..., None], n[..., None] - ended[..., :-2]], axis=-1)
    lanes = [(counts[..., i], left[..., i]) for i in range(3)] + [(ended[..., i], n) for i in range(3)]
    x, m = (np.stack(part) for part in zip(*lanes, strict=True))
    batch = mr.pool_batch(x, np.maximum(m, 1), (m > 0).astype(int), prediction=None)
    # a product of independent rates: distances to the limits add in squares on the log scale
    logs = [np.log(np.maximum(1 - getattr(batch, name)[:3], 1e-300)) for name in ("rate", "low", "high")]
    centre = np.cumsum(logs[0], axis=0)
    below, above = (np.sqrt(np.cumsum((end - logs[0]) ** 2, axis=0)) for end in logs[1:])
    low, high = 1 - np.exp(centre + below), 1 - np.exp(centre - above)
    steps = ((by_steps >= low.T) & (by_steps <= high.T)).mean(axis=0)
    alone = ((typical >= batch.low[3:].T) & (typical <= batch.high[3:].T)).mean(axis=0)
    return steps, alone, (high - low).mean(axis=1) / (batch.high[3:] - batch.low[3:]).mean(axis=1)


def typical_rates(rng, tau, together):
    """Return the rates of a typical trial by each definition: expit of the mean logit."""
    shift = rng.normal(0, tau, (1_000_000, 1 if together else 3))
    return expit(logit(1 - np.cumprod(1 - expit(STEPS + shift), axis=1)).mean(axis=0))


if __name__ == "__main__":
    rng = np.random.default_rng(20261125)
    print("| k | n | tau | effects of the steps | by steps: CR, + PR, + SD | by itself | width, ratio |")
    print("|---|---|---|---|---|---|---|")
    for k in (3, 6, 15):
        for n in ((7, 40), (30, 200)):
            for tau, together in ((0.0, True), (0.7, False), (0.7, True)):
                typical = typical_rates(rng, tau, together)
                by_steps = typical if together else 1 - np.cumprod(1 - expit(STEPS))
                found = covered(draw(rng, k, n, tau, together), by_steps, typical)
                texts = [" ".join(f"{value:.3f}" for value in part) for part in found]
                words = "one shift" if together else "independent"
                print(f"| {k} | {n[0]}-{n[1]} | {tau} | {words} | {' | '.join(texts)} |")
