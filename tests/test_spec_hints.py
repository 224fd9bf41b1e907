"""A name of another model, or of other software, is told with the model that has it."""

import pytest

import metaresp as mr


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"ci": "HK"}, "'hartung-knapp' (R: HK) with model='inverse-variance'"),
        ({"ci": "hartung-knapp"}, "'hartung-knapp' belongs to model='inverse-variance'"),
        ({"ci": "wilson"}, "'wilson' belongs to model='common'"),
        ({"transform": "PLO"}, "'logit' (R: PLO) with model='inverse-variance'"),
        ({"transform": "PFT"}, "'freeman-tukey' (R: PFT) with model='inverse-variance'"),
    ],
)
def test_the_model_that_has_it_is_named(options, hint):
    with pytest.raises(mr.InvalidArgument) as caught:
        mr.pool(mr.Studies([13, 4, 9], [18, 7, 15]), **options)
    assert hint in str(caught.value)


def test_a_misspelling_is_of_the_model_itself():
    with pytest.raises(mr.InvalidArgument) as caught:
        mr.pool(mr.Studies([13, 4, 9], [18, 7, 15]), ci="bartlet")
    assert str(caught.value).endswith("did you mean 'bartlett'?")
