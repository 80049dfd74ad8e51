"""One open page: poses come in, pictures go out. Only the newest pose of a page waits; older ones are forgotten.

A page has at most one pose at work and one waiting, so a fast mouse cannot fill the queue, and a page that reads its
answers slowly only slows itself: the next pose is not begun before the last answer is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from posegan.app.messages import Wish, parse_wish
from posegan.app.refusal import RefusedError
from posegan.errors import UserError

Answer = tuple[dict[str, object], bytes]  # what is said of a picture, and its pixels
Render = Callable[[Wish, str], Awaitable[Answer]]

log = logging.getLogger("posegan.app")

BROKEN = "Something went wrong in posegan; its terminal says what."


class Latest:
    """Holds the newest wish, and the newest refusal, until they are taken."""

    def __init__(self) -> None:
        self._wish: Wish | None = None
        self._refusal: str | None = None
        self._there = asyncio.Event()

    def put(self, wish: Wish) -> None:
        """Put a wish in the place of the one that waits."""
        self._wish = wish
        self._there.set()

    def refuse(self, sentence: str) -> None:
        """Put a refusal in the place of the one that waits."""
        self._refusal = sentence
        self._there.set()

    async def take(self) -> tuple[str | None, Wish | None]:
        """Wait until there is something, then return and forget it."""
        await self._there.wait()
        self._there.clear()
        found = self._refusal, self._wish
        self._refusal = self._wish = None
        return found


async def converse(socket: WebSocket, render: Render) -> None:
    """Answer an accepted socket until it closes.

    Each wish is answered with one binary message for each of its models: four bytes, the length of a JSON object, most
    significant first; the object; the picture's pixels, RGBA row by row, which a page shows without decoding anything.
    What cannot be done is answered with a JSON text {"error": ..., "status": ...}, the status as in HTTP.
    """
    latest = Latest()
    reader = asyncio.create_task(_read(socket, latest))
    writer = asyncio.create_task(_write(socket, latest, render))
    done, pending = await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    for task in done:
        error = task.exception()
        if error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):  # sent into a closed socket
            raise error


async def _read(socket: WebSocket, latest: Latest) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        try:
            latest.put(parse_wish(message.get("text") or message.get("bytes") or ""))
        except RefusedError as refusal:
            latest.refuse(str(refusal))


async def _write(socket: WebSocket, latest: Latest, render: Render) -> None:
    while True:
        refusal, wish = await latest.take()
        if refusal is not None:
            await socket.send_text(json.dumps({"error": refusal}))
        if wish is None:
            continue
        for model in wish.models:
            try:
                said, pixels = await render(wish, model)
            except UserError as error:
                status = getattr(error, "status", 400)
                said = {"number": wish.number, "model": model, "error": str(error), "status": status}
                await socket.send_text(json.dumps(said))
                continue
            except Exception:
                log.exception("A pose could not be rendered.")
                await socket.send_text(json.dumps({"number": wish.number, "model": model, "error": BROKEN}))
                continue
            head = json.dumps(said).encode()
            await socket.send_bytes(len(head).to_bytes(4, "big") + head + pixels)
