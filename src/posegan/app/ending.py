"""What those are told who wait for something when the server is stopped. A small ASGI layer."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posegan.app.gate import refuse

STOPPED = "posegan is being stopped: what it was making is given up."


class Ending:
    """Answers requests to `app` that are cancelled, which the server does with what is still running at its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request or socket on; a request that is cancelled before its answer begins gets a sentence."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if scope["type"] == "lifespan":
                raise
            if scope["type"] == "http" and not begun:
                await refuse(send, STOPPED, 503)
