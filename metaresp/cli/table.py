"""Every option of the commands that is an argument in Python, once: name, kind, help, and where it goes."""

import ast
import re
from dataclasses import dataclass

from metaresp.errors import in_flags
from metaresp.errors import option as errors_option


@dataclass(frozen=True, slots=True)
class Option:
    """An argument of a call in Python as a flag of the command line.

    Attributes
    ----------
    name : str
        The argument.
    kind : str
        How its text becomes a value: a name of ``metaresp.cli.values.KINDS``.
    help : str
    flags : tuple of str
        Where it is not the name with two hyphens; of several the first is shown in errors.
    """

    name: str
    kind: str
    help: str
    flags: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The flag, as errors say it."""
        return self.flags[0] if self.flags else "--" + self.name.replace("_", "-")

    @property
    def key(self) -> str:
        """The name under which the parser keeps its text."""
        return self.flag.strip("-").replace("-", "_")


# Part of a command -> its options.  Each part goes to one call: PARTS.
TABLE: dict[str, tuple[Option, ...]] = {
    "read": (
        Option("events", "text", "Column of responders; recognised if not given."),
        Option("n", "text", "Column of patients."),
        Option("study", "text", "Column of study labels."),
        Option("response", "text", 'Column of fractions such as "13/18".'),
        Option("percent", "text", "Column of percentages to rebuild events from."),
        Option("enrolled", "text", "Column of enrolled patients."),
        Option("missing", "text", "Rows without events or n: raise (an error), or drop and list them."),
        Option("totals", "text", "Rows that are the sum of others: raise (an error), drop or keep."),
        Option("unit", "text", "What --percent holds, where it is in doubt: proportion or percent."),
        Option("nearest", "switch", "Where a percentage fits several counts or none, take the nearest."),
        Option("sheet", "sheet", "Sheet of a workbook: name or number from 0."),
        Option("encoding", "text", "Encoding of a text file, if not recognised."),
        Option(
            "covariates", "names", "Column to keep beside the counts; all if not given.",
            ("--covariates", "--covariate"),
        ),
    ),
    "model": (
        Option("model", "text", "binomial-normal (default), inverse-variance, beta-binomial, common."),
        Option("link", "text", "Binomial-normal: logit (default), probit, cloglog, cauchit, log."),
        Option("effects", "text", "Binomial-normal: effects normal (default), t or mixture (outliers)."),
        Option("transform", "text", "Inverse variance: logit (default), arcsine, freeman-tukey, ..."),
        Option("tau2", "tau2", "Inverse variance: REML (default), DL, PM, common, ..., or a number."),
        Option("ci", "text", "Interval of the pooled rate: bartlett, hartung-knapp, profile, t, ..."),
        Option("prediction", "name or none", "Interval of a new trial: hts, t, normal, ..., none."),
        Option("correct", "text", "Inverse variance: studies corrected; only-zero, if-any, all, none, ..."),
        Option("correction", "number", "Inverse variance: what is added; 0.5."),
        Option("back_n", "text", "Freeman-Tukey: size of the back-transform; harmonic."),
        Option("penalty", "name and number", "Penalty on tau, for few events: half-normal,1."),
        Option("cluster", "text", "Column of clusters (centres) that studies are nested in: two levels."),
        Option("like", "text", "Program whose defaults to take: meta, metafor, stata-metaprop, cma, ..."),
        Option("level", "number", "Confidence level of every interval; 0.95."),
        Option("study_ci", "text", "Interval of each study; clopper-pearson."),
        Option("seed", "whole", "Seed of intervals that simulate."),
    ),
    "shared": (
        Option("cluster", "text", "Column of clusters (centres) that studies are nested in: two levels."),
        Option("level", "number", "Confidence level of every interval; 0.95."),
    ),
    "words": (
        Option("outcome", "text", 'What is counted, in words: "adverse reactions".'),
        Option("digits", "whole", "Decimals of rates.", ("--digits", "--decimals")),
    ),
    "draw": (
        Option("by", "text", "Column of subgroups, each with a diamond."),
        Option("sort", "text", "Column to sort by: study, events, n, rate, weight, ..."),
        Option("descending", "switch", "Sort from the largest to the smallest."),
        Option("scale", "text", 'percent (default), proportion, "per 1000", ...'),
        Option("xlim", "pair", "Ends of the axis, as rates: 0,0.5."),
        Option("spacing", "text", "linear (default), logit or sqrt axis."),
        Option("left", "heads", "Column to show left of the axis: dose, or dose=Dose (mg)."),
        Option("right", "heads", "Column to show right of the axis."),
        Option("formats", "pairs", "How to write a column: dose=.1f.", ("--format",)),
        Option("align", "pairs", "How a column stands: dose=right, left, centre or a character."),
        Option("risk_of_bias", "heads", "Column of judgements: low, some concerns, high, no information."),
        Option("counts", "name or none", "Events and n joined (default), split, or none."),
        Option("weights", "yes or no", "Print the weights: yes (default), no, or all."),
        Option("of", "text", "What the diamond is: typical (trial; default), or mean (rate over trials)."),
        Option(
            "prediction", "drawn", "Prediction interval as bar (default), line, density, or none.",
            ("--draw-prediction",),
        ),
        Option("shrunken", "switch", "Draw each study's shrunken rate below its own."),
        Option("also", "models", "Another model's diamond: common, or inverse-variance,transform=arcsine."),
        Option("benchmark", "rates", "Rate to draw a line at: 0.2, or Standard care=0.2."),
        Option("zones", "zones", "Part of the axis to shade: Futile=0,0.2.", ("--zone",)),
        Option("notes", "no", "Leave out what the fit says about awkward data.", ("--no-notes",)),
        Option("title", "text", "Title above the plot."),
        Option("axis_label", "text", "Words below the axis."),
        Option("labels", "pairs", "Word in the place of ours: study=Trial.", ("--label",)),
        Option("style", "text", "jama, bmj, lancet, revman, ... or a .toml file."),
        Option("width", "text", "Width of the figure: inches, or 120mm."),
        Option("page", "text", "Fit to pages: A3, A4, A5 or letter."),
        Option("font_size", "number", "Points."),
        Option("dpi", "number", "Dots per inch of a PNG or TIFF."),
        Option("alt", "text", "The figure in words, kept in the file."),
    ),
    "moderators": (
        Option("on", "names", "Column of a moderator: numbers, or levels.", ("--on",)),
        Option("reference", "pairs", "Level that others are compared with: region=Asia."),
        Option("permutations", "whole", "Permutation tests by so many rearrangements, such as 1000."),
    ),
    "published": (
        Option("I2", "text", "Published I2, in percent, with the digits printed.", ("--I2", "--i2")),
        Option("tau2", "text", "Published tau2."),
        Option("Q", "text", "Published Q.", ("--Q", "--q")),
        Option("weights", "text", 'Published weights of the studies in percent: "6.3 5.1 12.0".'),
        Option("level", "number", "Level of the published interval; that of the text, or 0.95."),
    ),
    "trial": (
        Option("method", "text", "clopper-pearson (default), blaker, mid-p, wilson, jeffreys, ..."),
        Option("level", "number", "Confidence level; 0.95."),
        Option("alternative", "text", "two-sided (default), less (upper bound only) or greater (lower)."),
        Option("prior", "pair", "Shapes of the beta prior of jeffreys and hpd: 0.5,0.5."),
        Option("digits", "whole", "Decimals of percentages.", ("--digits", "--decimals")),
    ),
}  # fmt: skip

# Which parts a command has, and which call of Python each part goes to.
COMMANDS: dict[str, tuple[str, ...]] = {
    "pool": ("read", "model", "words"),
    "forest": ("read", "model", "words", "draw"),
    "compare": ("read", "shared", "words"),
    "regress": ("read", "model", "words", "moderators"),
    "ci": ("trial",),
    "reproduce": ("read", "published"),
}
# What Python says of a thing that a command calls otherwise.
ALIASES: dict[str, dict[str, str]] = {
    "forest": {"path": "--output", "method": "--study-ci"},
    "compare": {"path": "--output"},
    "regress": {"path": "--output"},
    "demo": {"path": "--output"},
    "reproduce": {"published": "PUBLISHED"},
    "ci": {"path": "--plot", "events": "events", "n": "n"},
}


_WRITTEN = re.compile(r"\b([a-z_]+)=('[^']*'|\([^()]*\))")


def in_shell(command: str, note: str) -> str:
    """Return a note with the options that it speaks of as flags.

    Examples
    --------
    >>> in_shell("pool", "one common rate (model='common'), or penalty=('half-normal', 2.0)")
    'one common rate (--model common), or --penalty half-normal,2.0'
    """
    known = {option.name for part in COMMANDS.get(command, ()) for option in TABLE[part]}

    def flag(found: re.Match[str]) -> str:
        if found[1] not in known:
            return found[0]
        return in_flags(errors_option(found[1], ast.literal_eval(found[2])), flags(command))

    return _WRITTEN.sub(flag, note)


def flags(command: str) -> dict[str, str]:
    """Return the flag of each argument that a command does not call by the argument's name.

    Examples
    --------
    >>> flags("forest")["labels"]
    '--label'
    """
    renamed = {
        option.name: option.flag
        for part in reversed(COMMANDS.get(command, ()))
        for option in TABLE[part]
        if option.flags and option.kind != "no"
    }
    plain = {option.name for part in COMMANDS.get(command, ()) for option in TABLE[part] if not option.flags}
    return {name: flag for name, flag in renamed.items() if name not in plain} | ALIASES.get(command, {})
