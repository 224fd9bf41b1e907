"""Records come back from their dictionaries whatever kind of alias the hints of arrays are."""

from types import GenericAlias
from typing import Any

import numpy as np
import pytest

import metaresp as mr
from metaresp.arrays import FloatArray
from metaresp.records import _typed, _written_out


def alias(name, value, parameters=()):
    """Return what ``type name[parameters] = value`` makes, for Pythons that cannot say it."""
    return pytest.importorskip("typing_extensions").TypeAliasType(name, value, type_params=parameters)


def aliases():
    """Yield float arrays as numpy to 2.4 names them, and as numpy from 2.5 on does."""
    yield FloatArray
    extensions = pytest.importorskip("typing_extensions")
    scalar = extensions.TypeVar("scalar", bound=np.generic)
    array = alias("NDArray", np.ndarray[tuple[Any, ...], np.dtype[scalar]], (scalar,))
    yield GenericAlias(array, (np.float64,))
    yield alias("FloatArray", GenericAlias(array, (np.float64,)))


@pytest.mark.parametrize("which", range(3))
def test_arrays_are_read_whatever_names_them(which):
    hint = list(aliases())[which]
    read = _typed(hint, [1, None, "inf"])
    assert read.dtype == np.float64
    assert np.array_equal(read, [1.0, np.nan, np.inf], equal_nan=True)


@pytest.mark.parametrize("which", range(3))
def test_an_alias_in_a_union(which):
    hint = list(aliases())[which]
    for union in (hint | None, float | hint, hint | float):
        assert isinstance(_typed(union, [1.0, 2.0]), np.ndarray)
    assert _typed(hint | None, None) is None
    assert isinstance(_typed(float | hint, 2.5), float)


def test_no_alias_stays_what_it_is():
    for hint in (float, tuple[int, ...], dict[str, float], float | None):
        assert _written_out(hint) is hint


def test_fits_and_studies_come_back_from_their_dictionaries():
    fit = mr.pool(events=[3, 0, 9], n=[9, 8, 11])
    assert type(fit).from_dict(fit.to_dict()) == fit
    assert mr.Studies.from_dict(fit.studies.to_dict()) == fit.studies
