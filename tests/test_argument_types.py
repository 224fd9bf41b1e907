"""What is no value of an argument at all is an InvalidArgument that names it, whatever its type."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import metaresp as mr
from metaresp.plots.forest import takes

STUDIES = mr.Studies([13, 4, 9], [18, 7, 15], covariates={"g": list("aab")})
FIT = mr.pool(STUDIES)
SEVERAL = {"events": [13, 4, 9], "n": [18, 7, 15]}
# Values that some function may take; what none takes must be refused by name, not by a TypeError inside.
STRANGE = [
    5, {1, 2}, (i for i in range(3)), [[1, 2], [3]], ["a"], {"a": 1}, object(), 10**400, 10**5000, b"x",
    b"\0", "x\0y", np.array([1, 2]), np.float32(0.5), True, float("nan"), 1j, Decimal("0.5"), Fraction(1, 2),
    "", (), [], slice(1),
]  # fmt: skip
MODEL = (
    "model", "link", "transform", "tau2", "ci", "prediction", "correction", "correct", "back_n", "level",
    "study_ci", "seed", "like",
)  # fmt: skip
READ = (
    "missing", "percent", "enrolled", "totals", "unit", "nearest", "sheet", "encoding", "covariates",
    "cluster",
)  # fmt: skip
CALLS = {
    **{f"pool {o}": lambda v, o=o: mr.pool(STUDIES, **{o: v}) for o in MODEL + READ},
    **{
        f"inverse variance {o}": lambda v, o=o: mr.pool(STUDIES, **{"model": "inverse-variance", o: v})
        for o in MODEL
    },
    **{f"nested {o}": lambda v, o=o: mr.pool(STUDIES, cluster="g", **{o: v}) for o in MODEL},
    **{f"batch {o}": lambda v, o=o: mr.pool_batch(**SEVERAL, **{o: v}) for o in MODEL if o != "study_ci"},
    **{f"batch {o}": lambda v, o=o: mr.pool_batch(**(SEVERAL | {o: v})) for o in ("events", "n", "copies")},
    "values cluster": lambda v: mr.pool(**SEVERAL, cluster=v),
    **{
        f"trial {o}": lambda v, o=o: mr.binomial_ci(13, 18, **{o: v})
        for o in ("method", "level", "alternative", "prior")
    },
    **{
        f"trial {o}": lambda v, o=o: mr.binomial_ci(**({"events": 1, "n": 18} | {o: v}))
        for o in ("events", "n")
    },
    **{
        f"test {o}": lambda v, o=o: mr.binomial_test(13, 18, **({"rate": 0.5} | {o: v}))
        for o in ("rate", "method", "alternative", "prior")
    },
    **{
        f"reproduce {o}": lambda v, o=o: mr.reproduce(STUDIES, **({"published": "40%"} | {o: v}))
        for o in ("published", "I2", "tau2", "Q", "weights", "level")
    },
    "fit.test": FIT.test,
    "fit.test alternative": lambda v: FIT.test(0.5, alternative=v),
    "fit.probability_above": FIT.probability_above,
    "fit.predict_events": FIT.predict_events,
    "fit.predict_events level": lambda v: FIT.predict_events(5, level=v),
    "fit.tau2_ci": FIT.tau2_ci,
    "fit.tau2_ci level": lambda v: FIT.tau2_ci(level=v),
    "fit.tau2_ci component": lambda v: FIT.tau2_ci(component=v),
    "subgroups by": lambda v: mr.subgroups(FIT, v),
    "subgroups reference": lambda v: mr.subgroups(FIT, "g", reference=v),
    "subgroups common_tau2": lambda v: mr.subgroups(FIT, "g", common_tau2=v),
    "funnel size": lambda v: mr.funnel(FIT, size=v),
    "funnel levels": lambda v: mr.funnel(FIT, levels=v),
    "coverage method": lambda v: mr.coverage(5, v),
    "coverage n": lambda v: mr.coverage(v, "wald"),
    "compare_methods": lambda v: mr.compare_methods(1, 5, methods=v),
    "recover_counts": lambda v: mr.recover_counts(v, 0.1, 0.9),
    "missing_bounds": lambda v: mr.missing_bounds(1, 5, v),
    "check_percent": lambda v: mr.check_percent(v, 18),
    "datasets": mr.datasets.load,
    **{f"forest {o}": lambda v, o=o: FIT.forest(**{o: v}) for o in sorted(takes())},
    "forest path": FIT.forest,
}


@pytest.mark.parametrize("name", CALLS)
def test_any_type_is_taken_or_refused_by_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for value in STRANGE:
        try:
            CALLS[name](value)
            said = ""
        except (mr.InvalidArgument, mr.UnreadableFile, mr.CannotEstimate) as error:
            said = str(error)
        assert "\n" not in said
        assert len(said) < 1500


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mr.pool(STUDIES, cluster=5), r"cluster=5"),
        (
            lambda: mr.pool(**SEVERAL, cluster=[["a"], ["b", "c"], ["d"]]),
            r"cluster=\[\['a'\].*must be a list of",
        ),
        (lambda: mr.pool(**SEVERAL, cluster={1, 2, 3}), r"cluster=\{1, 2, 3\}: must be a list of labels"),
        (lambda: mr.pool(STUDIES, model=["common"]), r"model=\['common'\] is not known"),
        (lambda: mr.pool(STUDIES, level=10**400), r"level=1000.*is not a number strictly between 0 and 1"),
        (lambda: mr.binomial_ci({13, 4}, 18), r"events=\{.*\}: must be a number or a list"),
        (
            lambda: mr.pool_batch([[1, 2], [3]], 9),
            r"events=\[\[1, 2\], \[3\]\]: is not an array of one shape",
        ),
        (lambda: FIT.forest("x\0.png"), r"path='x\\x00.png': "),
        (lambda: mr.pool(STUDIES, sheet=1), "sheet=: leave it out when Studies are given"),
        (lambda: mr.pool(**SEVERAL, sheet=1), "sheet=1 has no meaning without a file"),
        (lambda: mr.pool(**SEVERAL, percent="x"), "percent='x' has no meaning without a frame or a file"),
    ],
)
def test_errors_name_the_argument(call, words):
    with pytest.raises(mr.InvalidArgument, match=words):
        call()


def test_a_level_of_few_digits_is_what_it_prints():
    level = np.float32(0.95)
    assert mr.pool(STUDIES, level=level) == FIT
    assert mr.binomial_ci(13, 18, level=level).level == 0.95
