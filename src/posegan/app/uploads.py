"""How many photos may arrive at the same time."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from posegan.app.refusal import RefusedError

ALL = 32
EACH = 4  # of one session


class Uploads:
    """Counts the photos that arrive: nobody who sends slowly makes others wait, nor fills the memory."""

    def __init__(self) -> None:
        self._arriving: Counter[str] = Counter()

    @contextlib.contextmanager
    def one(self, session: str) -> Iterator[None]:
        """Let one photo of a session arrive; raises RefusedError while too many do."""
        if self._arriving[session] >= EACH:
            raise RefusedError(f"{EACH} photos of yours are on their way: wait for them.", 429)
        if self._arriving.total() >= ALL:
            raise RefusedError(f"{ALL} photos are on their way to posegan: try again in a minute.", 503)
        self._arriving[session] += 1
        try:
            yield
        finally:
            self._arriving[session] -= 1
            self._arriving += Counter()  # forgets whom nothing of arrives
