"""Words that tables of trials are written in: heads of columns, totals, names of studies, missing codes."""

import json
from pathlib import Path
from typing import Any

_WORDS: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
#: Language -> what a column holds -> heads that a careful reader takes for nothing else.
HEADS: dict[str, dict[str, list[str]]] = _WORDS["heads"]
TOTALS: dict[str, list[str]] = _WORDS["totals"]
SUBTOTALS: dict[str, list[str]] = _WORDS["subtotals"]
SURNAMES: dict[str, list[str]] = _WORDS["surnames"]

SUMMARIES = [
    "Mean",
    "Median",
    "Average",
    "Random-effects model",
    "Pooled estimate",
    "RE Model",
    "Pooled (random effects)",
    "Fixed effect model",
    "Weighted mean",
    "Meta-analysis",
    "Overall estimate",
]

ODD_LABELS = [
    "Total Body Irradiation trial",
    "KEYNOTE-001",
    "NCT01234567",
    "MD Anderson, 2012",
    'St. Jude "R11"',
    "EORTC 22-033",
    "Mean Corpuscular study",
    "Xu & Li",
    "Smith et al., 2014",
    "=A1 trial",
    "-Dose trial",
    "C-FAST",
    "Phase I/II",
    "2-arm pilot",
    "Summit 2015",
    "Allen 2011",
    "Rangel 2009",
]
MISSING = ["", "NA", "N/A", "n/a", "-", "–", "—", "NR", "ND", ".", "not reported", "n.a.", "#N/A", "NaN"]

#: A head of a column of no concern, how its values are drawn, whether no careful reader can mistake it.
BYSTANDERS = [
    ("Median age", lambda rng: f"{rng.uniform(20, 80):.1f}", True),
    ("Age (years)", lambda rng: str(rng.randint(18, 85)), True),
    ("Follow-up (months)", lambda rng: str(rng.randint(2, 90)), True),
    ("Country", lambda rng: rng.choice(["China", "USA", "Japan", "France"]), True),
    ("dose", lambda rng: rng.choice(["5", "10", "20", "40"]), True),
    ("Weight (%)", lambda rng: f"{rng.uniform(0.5, 40):.1f}", True),
    ("p-value", lambda rng: f"{rng.random():.3f}", True),
    ("SE", lambda rng: f"{rng.uniform(0.01, 0.3):.3f}", True),
    ("Comment", lambda rng: rng.choice(["", "interim", "phase 2", "2 centres"]), True),
    ("Design", lambda rng: rng.choice(["prospective", "retrospective"]), True),
    ("Median PFS (months)", lambda rng: f"{rng.uniform(1, 30):.1f}", True),
    ("Quality score", lambda rng: str(rng.randint(3, 9)), True),
    ("Male (n)", lambda rng: str(rng.randint(1, 8)), False),
    ("Female", lambda rng: str(rng.randint(1, 8)), False),
    ("Deaths", lambda rng: str(rng.randint(0, 5)), False),
    ("Enrolled", lambda rng: str(rng.randint(100, 2000)), False),
    ("Screened", lambda rng: str(rng.randint(100, 2000)), False),
    ("Grade 3 toxicity", lambda rng: str(rng.randint(0, 5)), False),
    ("Stage", lambda rng: rng.choice(["II", "III", "IV"]), True),
    ("Sites", lambda rng: str(rng.randint(1, 9)), False),
]
DIGITS = {
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "persian": "۰۱۲۳۴۵۶۷۸۹",
    "devanagari": "०१२३४५६७८९",
    "fullwidth": "０１２３４５６７８９",
}
#: Encodings in which people of that language still save text, and whether they must be told apart.
ENCODINGS = {
    "zh": [("gbk", True), ("gb18030", True)],
    "ja": [("shift_jis", True), ("euc_jp", False)],
    "ko": [("euc_kr", True)],
    "ru": [("cp1251", False), ("koi8-r", False)],
    "tr": [("cp1254", False)],
    "pl": [("cp1250", False)],
    "ar": [("cp1256", False)],
}
