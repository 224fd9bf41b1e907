"""Codes for "not known" are told from ordinary counts."""

import pytest

from metaresp.read.codes import like_codes


@pytest.mark.parametrize(
    ("events", "n", "rows"),
    [
        ([13, 4, 9], [18, 7, 999], [2]),
        ([13, 4, 9], [18, 7, 99], [2]),
        ([13, 4, 99], [18, 7, 99], [2]),
        ([13, 40, 99, 99], [180, 70, 170, 150], [2, 3]),
        ([999, 40, 30], [2000, 70, 150], [0]),
        ([60, 80, 50, 99], [99, 120, 80, 150], []),
        ([13, 40, 99], [180, 70, 170], []),
        ([99, 99], [99, 99], [0, 1]),
        ([88, 70, 99], [99, 99, 120], []),
        ([5, 3], [99, 60], []),
    ],
)
def test_codes_stand_out(events, n, rows):
    assert like_codes(events, n) == rows
