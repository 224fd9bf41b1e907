"""How often letters stand in the languages that tables are written in: what encodings are told apart by."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources


@dataclass(frozen=True, slots=True)
class Language:
    """Letters of one language beyond ASCII.

    Attributes
    ----------
    letters : str
        Small letters, the commonest first.
    share : float
        How much of its text is letters beyond ASCII.
    alone : bool
        Whether words are wholly of these letters (Greek), or have them among ASCII letters (French).
    words : tuple of str
        Words of its tables.
    """

    letters: str
    share: float
    alone: bool
    words: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        ranks = {letter: 1 / (place + 4) for place, letter in enumerate(self.letters)}
        total = sum(ranks.values())
        object.__setattr__(self, "weights", {key: self.share * rank / total for key, rank in ranks.items()})


_DATA = tomllib.loads(resources.files("metaresp.read").joinpath("letters.toml").read_text("utf-8"))


def _languages(name: str) -> tuple[Language, ...]:
    return tuple(
        Language(one["letters"], one["share"], one["alone"], tuple(one.get("words", "").split()))
        for one in _DATA[name]
    )


WESTERN, CENTRAL, TURKISH, BALTIC = map(_languages, ("western", "central", "turkish", "baltic"))
CYRILLIC, GREEK, ARABIC, HEBREW = map(_languages, ("cyrillic", "greek", "arabic", "hebrew"))

HANZI, HANZI_TRADITIONAL, KANJI, HANGUL = (
    _DATA["characters"][name] for name in ("hanzi", "hanzi_traditional", "kanji", "hangul")
)
KANA = "".join(map(chr, (*range(0x3041, 0x3094), *range(0x30A1, 0x30F7), 0x30FC)))
WIDE_MARKS = "、。，．・：；？！（）［］「」『』【】〈〉《》～―…‘’“”％／＋－＝×〇○●◎△※→　" + "".join(
    map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF5B)))
)
MARKS = "“”‘’–—…°±²³µμ×§®©™†‡•·\xa0«»€£ºª½≥≤‰№¿¡"
