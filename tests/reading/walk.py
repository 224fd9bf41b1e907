"""A folder of small tables and its expected.json: what each table must give, put to the reader."""

import json
from pathlib import Path
from typing import Any

import metaresp as mr
from metaresp.errors import MetaRespError

#: Errors are one line that a person reads; longer ones would fill a terminal.
LONGEST = 600


def expected(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the folder's tables must give, by file name."""
    found: dict[str, dict[str, Any]] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return found


def fault(path: Path, case: dict[str, Any]) -> str:
    """Read *path* and return in what it differs from *case*, or an empty string."""
    try:
        studies = mr.read_studies(path, **case.get("options", {}))
    except MetaRespError as error:
        return _refused(str(error), path, case)
    counts = [list(pair) for pair in zip(studies.events.tolist(), studies.n.tolist(), strict=True)]
    if "refuse" in case:
        return f"read {counts} with no question; expected one that names {case['refuse']}"
    if "either" in case:
        return "" if counts == case["either"] else f"read {counts}, expected {case['either']} or a question"
    if counts != case["counts"]:
        return f"read {counts}, expected {case['counts']}"
    if "labels" in case and list(studies.study) != case["labels"]:
        return f"labels {list(studies.study)}, expected {case['labels']}"
    if "by" in case:
        groups = {str(value) for value in studies.covariates[case["by"]]}
        if len(groups) != case["groups"]:
            return f"groups {sorted(groups)}, expected {case['groups']} of them"
    if "note" in case:
        for where, notes in (("source", studies.source.notes), ("fit", mr.pool(studies).notes)):
            if not any(case["note"] in note for note in notes):
                return f"no note of the {where} holds {case['note']!r}: {list(notes)}"
    return ""


def _refused(text: str, path: Path, case: dict[str, Any]) -> str:
    if "\n" in text:
        return f"the error has several lines: {text!r}"
    if path.name not in text:
        return f"the error does not name the file: {text}"
    if len(text.replace(str(path), path.name)) > LONGEST:
        return f"the error has {len(text)} letters: {text}"
    if "counts" in case:
        return f"refused, expected {case['counts']}: {text}"
    missing = [part for part in case.get("refuse", ()) if part not in text]
    return f"the error does not hold {missing}: {text}" if missing else ""
