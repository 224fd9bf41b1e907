"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from metaresp.errors import InvalidArgument

if TYPE_CHECKING:
    from metaresp import Studies

DEFAULT = "default"

File: TypeAlias = Annotated[Path, typer.Argument(help="Table of studies: csv, tsv, xlsx, parquet or json.")]
Events: TypeAlias = Annotated[str | None, typer.Option(help="Column of responders; recognised if not given.")]
Patients: TypeAlias = Annotated[str | None, typer.Option("--n", help="Column of patients.")]
Study: TypeAlias = Annotated[str | None, typer.Option(help="Column of study labels.")]
Response: TypeAlias = Annotated[str | None, typer.Option(help='Column of fractions such as "13/18".')]
Missing: TypeAlias = Annotated[
    str, typer.Option(help="Rows without events or n: raise (an error) or drop (left out and listed).")
]
Sheet: TypeAlias = Annotated[str | None, typer.Option(help="Sheet of an xlsx file: name or number from 0.")]
Model: TypeAlias = Annotated[
    str, typer.Option(help="binomial-normal, inverse-variance, beta-binomial, common.")
]
Link: TypeAlias = Annotated[str, typer.Option(help="Binomial-normal: logit, probit, cloglog, cauchit, log.")]
Transform: TypeAlias = Annotated[str, typer.Option(help="Inverse variance: logit, arcsine, identity, ...")]
Tau2: TypeAlias = Annotated[
    str, typer.Option(help="Inverse variance: REML, DL, PM, common, ..., or a number.")
]
Interval: TypeAlias = Annotated[str, typer.Option("--ci", help="Interval of the pooled rate.")]
Prediction: TypeAlias = Annotated[
    str, typer.Option(help="Interval of a new trial: hts, t, normal, ..., none.")
]
Correct: TypeAlias = Annotated[str, typer.Option(help="Inverse variance: which studies are corrected.")]
Correction: TypeAlias = Annotated[float | None, typer.Option(help="Inverse variance: what is added; 0.5.")]
Cluster: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of clusters (centres) that studies are nested in: two levels.")
]
Level: TypeAlias = Annotated[float, typer.Option(help="Confidence level.")]
StudyCI: TypeAlias = Annotated[str, typer.Option("--study-ci", help="Interval of each study.")]
BackN: TypeAlias = Annotated[str, typer.Option(help="Freeman-Tukey: size of the back-transform; harmonic.")]
Seed: TypeAlias = Annotated[int | None, typer.Option(help="Seed of intervals that simulate.")]
Percent: TypeAlias = Annotated[str | None, typer.Option(help="Column of percentages to rebuild events from.")]
Enrolled: TypeAlias = Annotated[str | None, typer.Option(help="Column of enrolled patients.")]
Encoding: TypeAlias = Annotated[str | None, typer.Option(help="Encoding of a text file, if not recognised.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def model_options(
    model: str,
    link: str,
    transform: str,
    tau2: str,
    ci: str,
    prediction: str,
    correct: str,
    correction: float | None,
    back_n: str,
    level: float,
    study_ci: str,
    seed: int | None,
) -> dict[str, Any]:
    """Return the options of a pooling as keyword arguments, a number in *tau2* as a number."""
    return {
        "model": model,
        "link": link,
        "transform": transform,
        "tau2": _number_or_name(tau2),
        "ci": ci,
        "prediction": None if prediction == "none" else prediction,
        "correct": correct,
        "correction": DEFAULT if correction is None else correction,
        "back_n": back_n,
        "level": level,
        "study_ci": study_ci,
        "seed": seed,
    }


def refuse_with_no_pool(
    settings: dict[str, Any], cluster: str | None, by: str | None, shrunken: bool = False
) -> None:
    """Refuse options of a pooling where nothing is pooled."""
    usual = {
        "model": "binomial-normal",
        "level": settings["level"],
        "study_ci": settings["study_ci"],
        "seed": None,
    }
    given = [name for name, value in settings.items() if value != usual.get(name, DEFAULT)]
    given += [name for name, value in (("cluster", cluster), ("by", by)) if value is not None]
    given += ["shrunken"] * shrunken
    if given:
        option = given[0].replace("_", "-")
        raise InvalidArgument(f"--{option} has no meaning with --no-pool: leave it out")


def _number_or_name(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def read_table(file: Path, *, missing: str, sheet: str | None, **given: str | None) -> "Studies":
    """Read the table of a command; of *given*, columns and encoding, what is None is recognised."""
    import metaresp as mr

    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if sheet is not None:
        options["sheet"] = int(sheet) if sheet.isdecimal() else sheet
    return mr.read_studies(file, missing=missing, **options)
