"""Starting and stopping the web server: the port, the address that is printed, the browser."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import sys
import threading
import webbrowser

import uvicorn
from fastapi import FastAPI

from posegan.app.gate import EVERYWHERE
from posegan.errors import UserError

MESSAGE = 64 * 1024  # bytes of a message from a page


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes any free one. Raises UserError if the address cannot be had."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UserError(f"--host {host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all.") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    if os.name == "posix":  # on Windows this would let two servers share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UserError(_why(error, host, port)) from error
    listener.listen(128)
    return listener


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken, perhaps by another posegan: stop that, or give another --port (0: any free one)."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} may not be used by you: give a --port above 1023."
    return f"--host {host} is no address of this machine ({error.strerror}): use 127.0.0.1, or 0.0.0.0 for all."


def address_of(listener: socket.socket) -> str:
    """Return the address to open in a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in EVERYWHERE:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ipaddress.ip_address(host).version == 6 else f"http://{host}:{port}/"


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until Ctrl-C."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=MESSAGE,
        ws_per_message_deflate=False,
        limit_concurrency=256,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


def open_browser(address: str) -> None:
    """Open the page in the user's browser, if there is a screen; never in a terminal's text browser."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return

    def show() -> None:
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(address)

    threading.Thread(target=show, daemon=True).start()
