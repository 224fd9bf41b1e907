"""Every record: arrays that nobody can write to, however the record was made."""

import copy
import dataclasses
import importlib
import pickle

import numpy as np
import pytest

import metaresp as mr
from metaresp.records import Interval, Later, Record, on_demand
from tests.modules import modules

COUNTS = {"events": [1, 9, 6, 12, 3, 0], "n": [14, 22, 30, 25, 18, 9]}
CENTRES = {"region": list("aabbab")}


def every_record():
    """Yield a record of each kind that holds arrays, and further ones that hold records."""
    studies = mr.Studies(**COUNTS, covariates=CENTRES, enrolled=[20, 22, 33, 25, 20, 9])
    fit = mr.pool(studies)
    yield from (studies, studies[:2], studies.sort_by("rate"), fit)
    yield mr.pool(studies, model="inverse-variance")
    yield mr.pool(studies, model="beta-binomial")
    yield mr.pool(studies, model="common")
    yield mr.pool(studies, cluster="region")
    yield mr.pool(events=[0, 0], n=[3, 4])
    yield from (fit.study_rates(), fit.predict_events(12), mr.pool(events=[3], n=[9]).study_rates())
    yield from (mr.pool_batch([[1, 4], [2, 3]], [5, 9]), mr.pool_batch([1, 4, 2], [5, 9, 9]))
    yield mr.pool_batch([[1, 4], [2, 3]], [5, 9], [[1, 0], [2, 1]], model="inverse-variance")
    yield from (mr.subgroups(fit, "region"), mr.baujat(fit), mr.funnel(fit), mr.drapery(fit))
    nested = mr.pool(studies, cluster="region")
    yield from (mr.leave_one_out(fit), mr.leave_one_out(nested, by="region"), mr.cumulative(fit, by="region"))
    yield from (mr.cumulative(fit), mr.influence(fit), mr.influence(nested, by="region"))
    found = mr.regress(fit, "region")
    yield from (found, found.predict(), found.bubbles(), found.design)
    yield from (
        mr.gosh(fit),
        mr.compare(fit),
        mr.overlap(fit, "region"),
        mr.missing_responses(fit, odds=[0, 2]),
    )
    yield from (mr.small_study_effects(fit), mr.trim_and_fill(mr.pool(studies, model="inverse-variance")))
    yield from (mr.reproduce(studies, "40% (20 to 60)"), mr.multinomial_ci([3, 4, 9]))
    yield mr.pool_categories({"CR": [1, 2], "PR": [3, 4], "PD": [5, 6]}, categories=["CR", "PR", "PD"])
    yield from (mr.binomial_ci([1, 2], [8, 9]), mr.binomial_ci(1, [8, 9], method="jeffreys"))
    yield from (mr.binomial_test([1, 2], [8, 9], 0.5), mr.compare_methods(4, 9))
    yield from (mr.coverage(5, ["wald"]), mr.coverage(5, ["wald"], rates=np.array([0.1, 0.2])))
    yield from (mr.recover_counts(0.72, 0.47, 0.90), mr.missing_bounds([3, 4], 9, 12))


RECORDS = list(every_record())


def arrays(value, seen=()):
    """Yield (where, array) of all that can be reached through fields, properties and containers."""
    if isinstance(value, np.ndarray):
        yield "", value
    elif isinstance(value, Record):
        names = [field.name for field in dataclasses.fields(value)]
        names += [name for name, item in vars(type(value)).items() if isinstance(item, property)]
        for name in names:
            yield from ((f".{name}{where}", array) for where, array in arrays(getattr(value, name)))
    elif isinstance(value, dict | tuple | list):
        items = value.values() if isinstance(value, dict) else value
        for i, item in enumerate(items):
            yield from ((f"[{i}]{where}", array) for where, array in arrays(item))


def assert_frozen(record):
    for where, array in arrays(record):
        place = type(record).__name__ + where
        part = array
        while isinstance(part, np.ndarray):
            assert not part.flags.writeable, place
            part = part.base
        if array.size:
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def subclasses(cls=Record):
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


def test_no_record_with_arrays_is_left_out():
    for name in modules():
        importlib.import_module(name)
    known = {type(record) for record in RECORDS}
    with_arrays = {
        cls
        for cls in subclasses()
        if dataclasses.is_dataclass(cls)
        and "__slots__" in vars(cls)  # a slotted dataclass is made from a class without, which lives on
        and cls.__module__.startswith("metaresp.")
        and any("array" in str(field.type).lower() for field in dataclasses.fields(cls))
    }
    # what others are derived from is there by these
    missing = {cls for cls in with_arrays - known if not any(issubclass(made, cls) for made in known)}
    assert {cls.__qualname__ for cls in missing} == set()


WAYS = {
    "as it is": lambda record: record,
    "pickle": lambda record: pickle.loads(pickle.dumps(record)),
    "old pickle": lambda record: pickle.loads(pickle.dumps(record, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "from_dict": lambda record: type(record).from_dict(record.to_dict()),
    "replace": lambda record: record if isinstance(record, mr.Studies) else dataclasses.replace(record),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_arrays_are_read_only(record, way):
    made = WAYS[way](record)
    assert made == record
    assert list(arrays(made))
    assert_frozen(made)


def test_what_a_caller_holds_stays_theirs():
    events, n = np.array([1, 2, 3]), np.array([5, 6, 7])
    studies, ci, batch = mr.Studies(events, n), mr.binomial_ci(events, n), mr.pool_batch(events, n)
    events[:] = 0
    n[:] = 1
    assert studies.events.tolist() == ci.events.tolist() == [1, 2, 3]
    assert float(batch.events) == 6
    rates = np.array([0.1, 0.2])
    found = mr.coverage(5, ["wald"], rates=rates)
    whole = np.arange(6.0)
    fit = dataclasses.replace(mr.pool(**COUNTS), weights=whole[:])
    rates[:], whole[:] = 0.5, -1
    assert found.rates.tolist() == [0.1, 0.2]
    assert fit.weights.tolist() == [0, 1, 2, 3, 4, 5]


def test_arrays_are_not_copied_twice():
    batch = mr.pool_batch(np.ones((4, 3)), np.full((4, 3), 9.0))
    assert np.shares_memory(dataclasses.replace(batch).rate, batch.rate)
    assert np.shares_memory(copy.copy(batch).rate, batch.rate)


MASKED = np.ma.array([1, 99, 3], mask=[False, True, False])


@pytest.mark.parametrize("pooled", [mr.pool_batch, mr.binomial_ci])
@pytest.mark.parametrize("name", ["events", "n"])
@pytest.mark.parametrize("values", [MASKED, [1, np.ma.masked, 3]], ids=["array", "list"])
def test_masked_counts_are_refused(pooled, name, values):
    counts = {"events": [1, 2, 3], "n": [100, 100, 100]} | {name: values}
    with pytest.raises(mr.InvalidArgument, match=rf"{name}\[1\] is masked \(1 of 3 are\)"):
        pooled(**counts)


def test_masked_copies_are_refused():
    with pytest.raises(mr.InvalidArgument, match=r"copies\[1\] is masked"):
        mr.pool_batch([1, 2, 3], [9, 9, 9], MASKED)


def test_masked_arrays_with_nothing_masked_are_arrays():
    free = np.ma.array([1, 2, 3])
    assert mr.binomial_ci(free, 9) == mr.binomial_ci([1, 2, 3], 9)
    assert mr.pool_batch(free, [9, 9, 9]) == mr.pool_batch([1, 2, 3], [9, 9, 9])


def test_masked_studies_are_missing():
    with pytest.raises(mr.InvalidStudies, match="missing"):
        mr.pool(events=MASKED, n=[9, 9, 9])
    assert mr.pool(events=MASKED, n=[9, 9, 9], missing="drop").events == 4


def stored(record, name):
    """Return what the slot of an on-demand field holds."""
    return vars(type(record))[name].slot.__get__(record)


LATE = [
    ("weights", lambda fit: fit),
    ("study_ci", lambda fit: fit),
    ("notes", lambda fit: fit),
    ("I2_ci", lambda fit: fit.heterogeneity),
]


@pytest.mark.parametrize("model", ["inverse-variance", "binomial-normal"])
@pytest.mark.parametrize(("name", "of"), LATE)
def test_what_nobody_asks_for_is_not_computed(model, name, of):
    fit = mr.pool(**COUNTS, model=model)
    assert isinstance(stored(of(fit), name), Later)
    value = getattr(of(fit), name)
    assert stored(of(fit), name) is value
    assert getattr(of(fit), name) is value


@pytest.mark.parametrize(
    "made_by",
    [
        copy.copy,
        copy.deepcopy,
        dataclasses.replace,
        lambda fit: pickle.loads(pickle.dumps(fit)),
        lambda fit: type(fit).from_dict(fit.to_dict()),
    ],
)
def test_a_fit_is_the_same_before_and_after_it_is_asked(made_by):
    asked, unasked = (mr.pool(**COUNTS, model="inverse-variance") for _ in range(2))
    for name, of in LATE:
        getattr(of(asked), name)
    assert not isinstance(stored(made_by(unasked), "weights"), Later)
    assert made_by(mr.pool(**COUNTS, model="inverse-variance")) == asked == unasked
    assert str(mr.pool(**COUNTS, model="inverse-variance")) == str(asked)


def test_asking_later_is_as_silent_as_at_once():
    fit = mr.pool(events=[0, 9, 14], n=[12, 9, 30], model="inverse-variance")
    with np.errstate(all="raise"):
        assert fit.heterogeneity.I2_ci.high >= fit.heterogeneity.I2_ci.low
        assert not fit.weights.flags.writeable
        assert fit.study_ci.low[0] == 0


def test_later_is_computed_once_and_lets_go():
    calls = []

    @on_demand("values")
    @dataclasses.dataclass(frozen=True, eq=False, slots=True)
    class Sample(Record):
        values: np.ndarray
        limits: Interval

    def compute():
        calls.append(1)
        return np.array([1.0, 2.0])

    sample = Sample(values=Later(compute), limits=Interval(0.0, 1.0))
    assert calls == []
    assert sample == Sample(values=np.array([1.0, 2.0]), limits=Interval(0.0, 1.0))
    assert sample.to_dict()["values"] == [1.0, 2.0]
    assert calls == [1]
    assert not sample.values.flags.writeable
    given = np.array([3.0])
    assert not Sample(values=given, limits=Interval(0.0, 1.0)).values.flags.writeable
    assert given.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.values = given
