"""Bodies that never end, and sessions that are made up."""

import asyncio
import contextlib

import pytest
from starlette.requests import Request
from starlette.responses import Response

from posegan.app import requests, uploads
from posegan.app.refusal import RefusedError


def request(receive=None, **headers) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": named}, receive)


def test_a_body_that_does_not_arrive_is_given_up(monkeypatch):
    monkeypatch.setattr(requests, "SECONDS", 0.05)
    parts = iter([{"type": "http.request", "body": b"half", "more_body": True}])

    async def receive():
        for part in parts:
            return part
        return await asyncio.Event().wait()

    with pytest.raises(RefusedError, match="did not arrive") as caught:
        asyncio.run(requests.read_body(request(receive)))
    assert caught.value.status == 408


def test_a_body_that_pauses_is_given_up_and_a_slow_one_is_not(monkeypatch):
    monkeypatch.setattr(requests, "PAUSE", 1.0)

    async def read(pauses):
        waits = iter(pauses)

        async def receive():
            pause = next(waits)
            await asyncio.sleep(pause)
            return {"type": "http.request", "body": b"x", "more_body": pause != 0}

        return await requests.read_body(request(receive))

    assert asyncio.run(read([0.3, 0.3, 0.3, 0.3, 0])) == b"xxxxx"
    with pytest.raises(RefusedError, match="in time"):
        asyncio.run(read([0.1, 20]))


def test_a_body_whose_sender_leaves_is_no_fault():
    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(RefusedError, match="will not arrive"):
        asyncio.run(requests.read_body(request(receive)))


def test_photos_that_arrive_are_counted_for_each_and_for_all(monkeypatch):
    monkeypatch.setattr(uploads, "ALL", 5)
    arriving = uploads.Uploads()
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(arriving.one("me"))
        with pytest.raises(RefusedError, match="of yours") as caught, arriving.one("me"):
            pass
        assert caught.value.status == 429
        with arriving.one("you"), pytest.raises(RefusedError, match="try again") as caught, arriving.one("they"):
            pass
        assert caught.value.status == 503
    with arriving.one("me"):
        pass


@pytest.mark.parametrize("length", ["-1", "many", "9" * 30, str(requests.MESSAGE + 1)])
def test_a_length_that_cannot_be_is_refused_before_anything_is_read(length):
    with pytest.raises(RefusedError, match="too large"):
        asyncio.run(requests.read_body(request(content_length=length)))


def test_a_session_is_opened_once_and_known_again():
    response = Response()
    session = requests.open_session(request(), response)
    cookie = response.headers["set-cookie"].partition(";")[0]
    assert cookie == f"{requests.COOKIE}={session}"
    assert requests.known_session(request(cookie=cookie)) == session
    assert requests.open_session(request(cookie=cookie), response) == session


@pytest.mark.parametrize("cookie", ["", "short", "x" * 23, "../../../../etc/passwd", "ä" * 22])
def test_a_made_up_session_is_nobodys(cookie):
    assert requests.known_session(request(cookie=f"{requests.COOKIE}={cookie}".encode().decode("latin-1"))) == ""
