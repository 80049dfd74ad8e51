"""Reading HTTP requests with limits: bodies of bounded size and duration, and which session a request belongs to."""

from __future__ import annotations

import asyncio
import re
import secrets

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from posegan.app.refusal import RefusedError

COOKIE = "posegan_session"
MESSAGE = 2**20  # bytes of a JSON body: an OpenPose file with hundreds of people
SECONDS = 60  # for a whole body to arrive
PAUSE = 10  # seconds between two parts of a body


async def read_body(request: Request, limit: int = MESSAGE) -> bytes:
    """Return a request's body; raises RefusedError if it has more than `limit` bytes, or is too slow."""
    most = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit // 2**10} KiB"
    sentence = f"This file is too large: at most {most} are taken."
    stated = request.headers.get("content-length", "0")
    if not stated.isdecimal() or int(stated) > limit:
        raise RefusedError(sentence, 413)
    body = bytearray()
    try:
        loop = asyncio.get_running_loop()
        last = loop.time() + SECONDS
        async with asyncio.timeout(min(SECONDS, PAUSE)) as waited:
            async for chunk in request.stream():
                waited.reschedule(min(last, loop.time() + PAUSE))
                body += chunk
                if len(body) > limit:
                    raise RefusedError(sentence, 413)
    except ClientDisconnect as error:
        raise RefusedError("The rest of this file will not arrive.", 499) from error
    except TimeoutError as error:
        raise RefusedError("The file did not arrive in time: send it again.", 408) from error
    return bytes(body)


def known_session(connection: HTTPConnection) -> str:
    """Return the session that the cookie names, or "" without a cookie; no photo belongs to ""."""
    token = connection.cookies.get(COOKIE, "")
    return token if re.fullmatch(r"[\w-]{22}", token, re.ASCII) else ""


def open_session(request: Request, response: Response) -> str:
    """Return the request's session; a new one, named by a cookie of the response, if it has none."""
    session = known_session(request)
    if not session:
        session = secrets.token_urlsafe(16)
        response.set_cookie(COOKIE, session, httponly=True, samesite="strict")
    return session
