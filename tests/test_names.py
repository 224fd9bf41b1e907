"""Names of methods: written in any way, misspelt, or in the words of other software."""

import random
import string

import pytest

import metaresp as mr
from metaresp.binomial.methods import SIDES
from metaresp.errors import UnknownName, folded, known_name, meant
from metaresp.foreign import foreign_names
from metaresp.kernel.counts.beta_intervals import BETA_CI
from metaresp.kernel.counts.intervals import COUNT_CI, COUNT_PREDICTION
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.kernel.effects.tau2_interval import TAU2_CI
from metaresp.kernel.nested.intervals import NESTED_COUNT_CI, NESTED_EFFECT_CI, NESTED_PREDICTION
from metaresp.kernel.trial.beta_mixture import BETA_PREDICTION
from metaresp.model.registry import MODELS
from metaresp.plots.output import PAGES
from metaresp.plots.style import style_names
from metaresp.present.rates import SCALES
from metaresp.transforms import BACK_N, CORRECT, TRANSFORMS

# Every list of names that a user chooses from, and the argument that takes it.
LISTS = [
    ("model", tuple(MODELS)),
    ("method", tuple(mr.BINOMIAL_CI)),
    ("study_ci", tuple(mr.BINOMIAL_CI)),
    ("ci", tuple(mr.BINOMIAL_CI)),
    ("method", tuple(TAU2_CI)),
    ("alternative", tuple(SIDES)),
    ("link", tuple(LINKS)),
    ("transform", tuple(TRANSFORMS)),
    ("tau2", tuple(TAU2)),
    ("back_n", tuple(BACK_N)),
    ("correct", tuple(CORRECT)),
    ("page", tuple(PAGES)),
    ("style", style_names()),
    ("scale", tuple(SCALES)),
    *(("ci", tuple(r)) for r in (MEAN_CI, COUNT_CI, BETA_CI, NESTED_COUNT_CI, NESTED_EFFECT_CI)),
    *(("prediction", tuple(r)) for r in (PREDICTION, COUNT_PREDICTION, BETA_PREDICTION, NESTED_PREDICTION)),
]


@pytest.mark.parametrize(("argument", "names"), LISTS)
def test_case_hyphen_underscore_and_space_do_not_matter(argument, names):
    assert len({folded(name) for name in names}) == len(names)
    for name in names:
        for written in (
            name.upper(),
            name.title(),
            name.replace("-", "_"),
            name.replace("-", " "),
            f" {name}",
        ):
            assert known_name(argument, written, names) == name


def test_the_name_that_is_stored_is_ours():
    fit = mr.pool(
        events=[13, 4, 9], n=[18, 7, 15], model="Inverse Variance", transform="LOGIT", tau2="reml",
        ci="Hartung_Knapp", prediction="HTS", correct="ONLY_ZERO", study_ci="Clopper Pearson",
    )  # fmt: skip
    assert fit == mr.pool(events=[13, 4, 9], n=[18, 7, 15], model="inverse-variance")
    assert mr.binomial_ci(13, 18, method="Mid P", alternative="Two Sided") == mr.binomial_ci(
        13, 18, method="mid-p"
    )
    assert mr.binomial_test(13, 18, 0.5, method="MIDP").method == "mid-p"
    assert mr.coverage(5, "WALD", alternative="LESS").methods == ("wald",)
    assert mr.compare_methods(1, 5, methods=["Wilson CC"]).methods == ("wilson-cc",)
    assert mr.recover_counts("72.2%", "46.5%", "90.3%", method="ClopperPearson").method == "clopper-pearson"
    assert fit.tau2_ci("Q Profile") == fit.tau2_ci("q-profile")


def edited(word, times, rng):
    letters = list(word)
    for _ in range(times):
        place, letter = rng.randrange(len(letters) + 1), rng.choice(string.ascii_lowercase)
        how = rng.randrange(4)
        if how == 0 or not letters:
            letters.insert(place, letter)
        elif how == 1:
            del letters[place - 1]
        elif how == 2:
            letters[place - 1] = letter
        elif place > 1:
            letters[place - 2 : place] = letters[place - 1], letters[place - 2]
    return "".join(letters)


@pytest.mark.parametrize(("argument", "names"), LISTS)
def test_a_hint_never_leads_to_another_method(argument, names):
    """Of a name with one or two letters wrong, the hint is that name, or what the letters spell elsewhere."""
    rng = random.Random(argument + "".join(names))
    hints = 0
    for _ in range(400):
        name = rng.choice(names)
        typo = edited(name, rng.choice((1, 1, 2)), rng)
        if any(folded(typo) == folded(row.theirs) for row in foreign_names(argument)):
            continue
        if any(folded(typo) == folded(other) for other in names):
            continue
        hint = meant(argument, typo, names)
        assert hint in ("", f"; did you mean {name!r}?"), (typo, name)
        hints += hint != ""
    if max(map(len, names)) > 6:
        assert hints > 10


@pytest.mark.parametrize(
    ("argument", "names", "given"),
    [
        ("transform", TRANSFORMS, "logit-normal"),
        ("link", LINKS, "logistic-normal"),
        ("link", LINKS, "lo"),
        ("ci", MEAN_CI, "hpd"),
        ("ci", MEAN_CI, "bayes"),
        ("ci", COUNT_CI, "hartung-knapp"),
        ("tau2", TAU2, "D"),
        ("tau2", TAU2, "HX"),
        ("model", MODELS, "bayes"),
        ("method", mr.BINOMIAL_CI, "bootstrap"),
    ],
)
def test_a_name_that_is_near_to_none_gets_no_hint(argument, names, given):
    assert meant(argument, given, names) == ""


FOREIGN_CASES = [
    ("transform", "PLO", "logit"), ("transform", "plogit", "logit"), ("transform", "PFT", "freeman-tukey"),
    ("transform", "ftt", "freeman-tukey"), ("transform", "PAS", "arcsine"), ("transform", "PLN", "log"),
    ("transform", "PRAW", "identity"), ("transform", "PR", "identity"), ("ci", "HK", "hartung-knapp"),
    ("ci", "knha", "hartung-knapp"), ("ci", "HKSJ", "hartung-knapp"), ("model", "GLMM", "binomial-normal"),
    ("model", "rma.glmm", "binomial-normal"), ("model", "melogit", "binomial-normal"),
    ("model", "Inverse", "inverse-variance"), ("model", "IV", "inverse-variance"),
    ("method", "exact", "clopper-pearson"), ("method", "beta", "clopper-pearson"),
    ("method", "binomtest", "clopper-pearson"), ("method", "normal", "wald"), ("method", "score", "wilson"),
    ("study_ci", "exact", "clopper-pearson"), ("alternative", "two.sided", "two-sided"),
    ("tau2", "FE", "common"), ("tau2", "EE", "common"), ("tau2", "CE", "common"),
    ("tau2", "Paule-Mandel", "PM"), ("method", "GENQ", "generalised-q"), ("correct", "if0all", "if-any"),
]  # fmt: skip


@pytest.mark.parametrize(("argument", "theirs", "ours"), FOREIGN_CASES)
def test_names_of_other_software_are_refused_with_ours(argument, theirs, ours):
    lists = [names for name, names in LISTS if name == argument and ours in names]
    assert lists
    for names in lists:
        with pytest.raises(UnknownName, match=f"did you mean {ours!r} "):
            known_name(argument, theirs, names)


def test_an_estimator_of_tau2_for_a_model():
    with pytest.raises(UnknownName, match=r"did you mean 'inverse-variance' with tau2='REML' \(R: REML\)"):
        mr.pool(events=[1, 2], n=[9, 9], model="reml")


def test_every_foreign_name_leads_to_names_that_exist():
    for argument in {argument for argument, _ in LISTS} | {"methods"}:
        rows = foreign_names(argument)
        known = {name for asked, names in LISTS if asked == argument for name in names}
        known |= set(mr.BINOMIAL_CI) if argument == "methods" else set()
        assert {row.ours for row in rows} <= known, argument
        for row in rows:
            assert not any(
                folded(row.theirs) == folded(name) for name in known - {"normal", "wald", "REML"}
            ) or (argument == "model"), row
