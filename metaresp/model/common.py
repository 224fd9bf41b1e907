"""One common rate: the studies pooled as if they were one trial, exactly."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import IntArray
from metaresp.binomial import BINOMIAL_CI
from metaresp.model.base import Model
from metaresp.model.estimates import Numbers, exact, one_rate
from metaresp.model.r_calls import totals_call
from metaresp.model.r_counts import PEARSON
from metaresp.model.spec import Option, Spec


class Common(Model):
    """Exact binomial inference on the totals; a study weighs what its patients are."""

    name = "common"
    options = {"ci": "clopper-pearson"}
    choices = {"ci": BINOMIAL_CI}
    spread = None
    exact = True
    rate_is_mean = True

    @classmethod
    def I2_definition(cls, spec: Spec) -> str:
        """Say that there is none."""
        return "not defined for one common rate"

    @classmethod
    def exact_method(cls, spec: Spec) -> str:
        """Return the interval that was asked for."""
        return spec.ci

    @classmethod
    def without_intervals(cls, spec: Spec) -> dict[str, Option]:
        """Return an interval that is written down at once."""
        return {"ci": "wald"}

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the line of ``binom.test``."""
        other = f"# ci = {spec.ci!r}: see the package binom; exact here."
        lines = [] if spec.ci == cls.options["ci"] else [other]
        return [*lines, *PEARSON, f"binom.test(sum(d$events), sum(d$n), conf.level = {spec.level!r})"]

    @classmethod
    def brief(cls, spec: Spec, at_edge: bool) -> str:
        """Return the interval."""
        return f"totals as of one study, {spec.ci} interval"

    @classmethod
    def r_call(cls, spec: Spec, events: str, data: str) -> str:
        """Return the call of ``binom.test`` or ``prop.test``."""
        return totals_call(spec, events, data)

    def notes(self, one: Mapping[str, Any], named: Callable[[Sequence[int]], str]) -> list[str]:
        """Say what the interval takes for granted."""
        return ["The exact interval on the totals holds if all studies have one rate."]

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Pool as if every study had one rate."""
        lanes = self.counts
        out = exact(lanes.events, lanes.total, self.spec.level, self.spec.ci)
        p = lanes.events / lanes.total
        estimate = special.logit(p)
        out |= one_rate(lanes) | {
            "estimate": estimate,
            "se": 1 / np.sqrt(lanes.total * p * (1 - p)),
            "estimate_low": special.logit(out["low"]),
            "estimate_high": special.logit(out["high"]),
            "tau2": np.zeros_like(p),
        }
        return out, np.zeros(p.size, dtype=np.int64)
