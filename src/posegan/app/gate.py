"""Who may talk to the server: the page that it served itself, and programs on this machine. A small ASGI layer.

Any site that a browser visits can send requests to 127.0.0.1, and with DNS rebinding under a name of its own. So the
Host header has to name this machine, a foreign Origin is turned away, and the page is told to load nothing foreign.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::", "")  # addresses to listen on that are no names to be called by

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Gate:
    """Lets requests through to `app` that are meant for this server and come from its own page, or from no page.

    host: the address that the server listens on. On all addresses, this machine's name, also with ".local", and any IP
    address will do as Host: a rebound DNS name is neither.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1") -> None:
        self._app = app
        self._names = {*LOCAL, host.lower(), *(_own_names() if host in EVERYWHERE else [])}
        self._any_address = host in EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request or socket on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        complaint = self._complaint(Headers(scope=scope), str(scope.get("method", "GET")))
        if complaint is None:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": complaint[:120]})
        else:
            await refuse(send, complaint, 403)

    def _complaint(self, headers: Headers, method: str) -> str | None:
        host = headers.get("host", "")
        if not self._known(_hostname(host)):
            return "This server answers under its own address only: open the address that `posegan serve` printed."
        origins = headers.getlist("origin")
        if any(_place(origin) != host.lower() for origin in origins):
            return "Pages of other sites may not use this server."
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return "Pages of other sites may not use this server."
        return None

    def _known(self, name: str) -> bool:
        if name in self._names:
            return True
        return self._any_address and _is_address(name)


def _own_names() -> tuple[str, str]:
    name = socket.gethostname().lower()
    return name, f"{name.partition('.')[0]}.local"


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def added(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _missing(headers):
                headers[name] = value
        await send(message)

    return added


def _missing(headers: MutableHeaders) -> Iterable[tuple[str, str]]:
    return [(name, value) for name, value in HEADERS.items() if name not in headers]


async def refuse(send: Send, sentence: str, status: int) -> None:
    """Answer a request with a sentence, as the routes do."""
    body = json.dumps({"error": sentence}).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})
