"""Of many wishes for a photo only the newest is carried out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from weakref import WeakKeyDictionary

from posegan.app.photos import Photo
from posegan.app.refusal import RefusedError


class Newest:
    """Wishes of which one is carried out at a time, and of each photo only the newest."""

    def __init__(self) -> None:
        self.wishes: WeakKeyDictionary[Photo, dict[str, object]] = WeakKeyDictionary()  # by what is wished for
        self._one = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(
        self, photo: Photo, what: str, gone: Callable[[], Awaitable[bool]] | None
    ) -> AsyncIterator[Callable[[], None]]:
        """Wait for the turn of a wish for a photo; yields what raises RefusedError as soon as there is a newer one.

        gone: whether whoever asked no longer waits. Raises RefusedError if so, or if there is a newer wish by then.
        """
        wish = self.wishes.setdefault(photo, {})[what] = object()

        def check() -> None:
            if self.wishes[photo][what] is not wish:
                raise RefusedError("A newer pose of this photo was asked for.", 409)

        async with self._one:
            check()
            if gone is not None and await gone():
                raise RefusedError("Nobody waits for this any more.", 499)
            yield check
