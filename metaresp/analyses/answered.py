"""Records that hold several answers to one question, and draw them as a forest plot."""

import os
from typing import Any

from metaresp.records import Record


class Answered(Record):
    """A record of several answers: see :mod:`metaresp.present.answers`."""

    __slots__ = ()

    def forest(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw one answer a row; see :func:`metaresp.plots.answers.forest_answers` for *style*."""
        from metaresp.plots.answers import forest_answers

        return forest_answers(self, path, **style)

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the same as :meth:`forest`."""
        return self.forest(path, **style)
