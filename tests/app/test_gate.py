"""The server answers its own page and nobody else's."""

import socket

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from posegan.app.gate import Gate

TALK = "ws://127.0.0.1:8765/talk"  # the test client would say "testserver"


async def hello(_):
    return PlainTextResponse("hello")


async def talk(socket: WebSocket):
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def client(host: str = "127.0.0.1") -> TestClient:
    app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"]), WebSocketRoute("/talk", talk)])
    return TestClient(Gate(app, host), base_url="http://127.0.0.1:8765")


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST", "[::1]:8765", "127.0.0.1"])
def test_this_machine_under_its_own_names(host):
    assert client().get("/", headers={"host": host}).text == "hello"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8765", "192.168.0.7:8765", "", "[", "0.0.0.0", "localhost.evil:80"]
)
def test_another_name_is_turned_away(host):
    answer = client().get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "own address" in answer.json()["error"]


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8765", "http://[bad", "http://[::1"],
)
def test_a_foreign_page_is_turned_away(origin):
    answer = client().post("/", headers={"origin": origin})
    assert answer.status_code == 403
    with pytest.raises(WebSocketDisconnect), client().websocket_connect(TALK, headers={"origin": origin}):
        pass


def test_its_own_page_is_let_in():
    own = {"origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin", "host": "127.0.0.1:8765"}
    assert client().post("/", headers=own).text == "hello"
    with client().websocket_connect(TALK, headers=own) as socket:
        assert socket.receive_text() == "hello"


def test_a_foreign_page_may_link_here_but_not_embed():
    site = {"sec-fetch-site": "cross-site"}
    assert client().get("/", headers=site | {"sec-fetch-mode": "navigate"}).status_code == 200
    assert client().get("/", headers=site | {"sec-fetch-mode": "no-cors"}).status_code == 403


def test_a_rebound_name_cannot_open_a_socket():
    with pytest.raises(WebSocketDisconnect), client().websocket_connect(TALK, headers={"host": "evil.example"}):
        pass


def test_on_all_addresses_any_address_will_do_but_no_strange_name():
    assert client("0.0.0.0").get("/", headers={"host": "192.168.0.7:8765"}).status_code == 200
    assert client("0.0.0.0").get("/", headers={"host": "evil.example"}).status_code == 403
    name = socket.gethostname().partition(".")[0]
    assert client("0.0.0.0").get("/", headers={"host": f"{name}.local:8765"}).status_code == 200
    assert client("box.local").get("/", headers={"host": "box.local:8765"}).status_code == 200


def test_the_page_may_load_nothing_foreign():
    headers = client().get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
