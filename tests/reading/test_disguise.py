"""A true table in any disguise is read right or asked about: never a wrong number, in 2,000 random tables."""

from collections import Counter

import pytest

import metaresp as mr
from metaresp.errors import MetaRespError
from tests.reading.disguise import Case, disguise

IN_THE_SUITE = 2_000
ON_DEMAND = 50_000
#: Share of clear tables that may be asked about: a question costs a minute, a wrong number a decision.
REFUSED_AT_MOST = 0.03


def verdict(case: Case) -> tuple[str, str]:
    """Return read, asked, or the fault of reading *case*; and what was said or read."""
    try:
        studies = mr.read_studies(case.path, **case.options)
    except MetaRespError as error:
        text = str(error)
        return ("asked" if "\n" not in text and case.path.name in text else "unclear error"), text
    counts = list(zip(studies.events.tolist(), studies.n.tolist(), strict=True))
    if counts != case.rows:
        return "wrong numbers", f"{counts} for {case.rows}"
    if case.must == "ask":
        return "not asked", str(counts)
    if case.labels is not None and list(studies.study) != case.labels:
        return "wrong labels", f"{list(studies.study)} for {case.labels}"
    return "read", ""


def sweep(seeds, folder):
    """Return the faults found, and how many clear tables were read and asked about."""
    faults = []
    found: Counter[str] = Counter()
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        case = disguise(seed, place)
        word, said = verdict(case)
        if word not in {"read", "asked"}:
            faults.append(f"seed {seed}: {word}: {said[:300]} {case.options} {case.tags}")
        found[f"{case.must} {word}"] += 1
        case.path.unlink()
        place.rmdir()
    return faults, found


def check(seeds, folder):
    faults, found = sweep(seeds, folder)
    assert not faults, f"{len(faults)} faults, such as\n" + "\n".join(faults[:20])
    clear = found["read read"] + found["read asked"]
    assert found["read asked"] <= REFUSED_AT_MOST * clear, found


@pytest.mark.parametrize("part", range(8))
def test_no_wrong_number_in_any_disguise(tmp_path, part):
    size = IN_THE_SUITE // 8
    check(range(part * size, (part + 1) * size), tmp_path)


@pytest.mark.slow
def test_no_wrong_number_in_many_disguises(tmp_path):
    check(range(10_000, 10_000 + ON_DEMAND), tmp_path)


def test_the_same_seed_gives_the_same_file(tmp_path):
    contents = []
    for name in "ab":
        (tmp_path / name).mkdir()
        case = disguise(7, tmp_path / name)
        contents.append((case.path.read_bytes(), case.rows, case.must))
    assert contents[0] == contents[1]


def test_all_verdicts_and_kinds_are_drawn(tmp_path):
    cases = []
    for seed in range(300):
        (tmp_path / str(seed)).mkdir()
        cases.append(disguise(seed, tmp_path / str(seed)))
    assert {case.must for case in cases} == {"read", "either", "ask"}
    tags = {tag for case in cases for tag in case.tags}
    assert tags >= {"text", "xlsx", "json", "R csv", "R table", "zh", "ar", "interval", "fraction"}
