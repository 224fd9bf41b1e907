"""An analysis of effects in a few words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaresp.model.spec import Spec

_CORRECTED = {
    "only-zero": "0.5 at 0 and n",
    "variance": "0.5 in the variance at 0 and n",
    "events": "0.5 to the events at 0 and n",
    "leave-out": "without studies at 0 or n",
    "if-any": "0.5 to all, as one is at 0 or n",
    "all": "0.5 to all",
}


def effect_words(spec: "Spec", at_edge: bool) -> str:
    """Return scale, estimator of tau2, interval, and what differs from the usual.

    Parameters
    ----------
    spec : Spec
    at_edge : bool
        Whether a study is at 0 or n, so that it matters how such are corrected.

    Examples
    --------
    >>> from metaresp.model.spec import resolve
    >>> effect_words(resolve(like="metaxl"), False)
    'freeman-tukey (back by inverse-variance n), DL, ivhet interval'
    >>> effect_words(resolve(like="cma", tau2="common"), True)
    'logit, common effect, normal interval, 0.5 at 0 and n'
    """
    size = spec.back_n or "harmonic"
    back = {"harmonic": "", "none": " (back by arcsine)"}.get(size, f" (back by {size} n)")
    spread = "common effect" if spec.tau2 == "common" else str(spec.tau2)
    words = [f"{spec.transform}{back}", spread, f"{spec.ci} interval"]
    if spec.correct is not None and (at_edge or spec.correct == "all"):
        words.append(_CORRECTED.get(spec.correct, spec.correct))
    return ", ".join(words)
