"""`posegan serve` as a user starts it: the address it prints, and what it says when it cannot start."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from posegan.app.run import address_of, listen
from posegan.cli import main
from posegan.errors import UserError

from .conftest import picture
from .serving import serving

websockets = pytest.importorskip("websockets", reason="the page needs websockets: pip install 'posegan[web]'")


@pytest.fixture(scope="module")
def address(weights: Path):
    with serving("--weights", str(weights)) as address:
        yield address


def test_it_prints_an_address_of_this_machine_that_answers(address):
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address) as answer:
        assert "posegan" in answer.read().decode()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_path_that_climbs_out_of_the_folder_finds_nothing(address):
    connection = http.client.HTTPConnection(address.split("/")[2])
    connection.request("GET", "/static/../server.py")  # sent as it stands, which no browser does
    assert connection.getresponse().status == 404
    connection.close()


def test_slow_uploads_make_nobody_wait(address):
    place = urllib.parse.urlsplit(address)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            slow = stack.enter_context(socket.create_connection((place.hostname, place.port)))
            head = f"POST /api/photo HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 1000\r\n\r\n"
            slow.sendall(head.encode() + b"x")
        asked = urllib.request.Request(address + "api/photo", data=picture())
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert json.load(answer)["size"] == [60, 40]


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal to a process")
def test_a_gif_in_the_making_when_the_server_is_stopped_gets_a_sentence():
    """Of the bundled model, which takes seconds for it: tiny weights may be done before the signal."""
    command = [sys.executable, "-m", "posegan", "serve", "--port", "0", "--no-browser", "--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--weights", "posegan-synthetic"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    address = next(line.split()[3] for line in process.stdout if line.startswith("posegan is at "))
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    opener.open(address).read()
    taken = json.load(opener.open(urllib.request.Request(address + "api/examples/0", data=b"{}")))
    motion = {"photo": taken["photo"], "model": "posegan-synthetic", "frames": [taken["pose"]] * 96, "seconds": 9}
    asked = urllib.request.Request(address + "api/motion", data=json.dumps(motion).encode())
    threading.Timer(0.2, process.send_signal, [signal.SIGINT]).start()
    try:
        answered = opener.open(asked).status
    except urllib.error.HTTPError as error:
        answered = error.code
        assert "being stopped" in json.load(error)["error"]
    said, _ = process.communicate(timeout=60)
    assert answered == 503
    assert "Traceback" not in said


def test_an_oversized_message_ends_that_page_only(address):
    live = address.replace("http", "ws") + "api/live"

    async def scene():
        async with websockets.connect(live) as bad, websockets.connect(live) as good:
            await bad.send("x" * 100_000)
            with pytest.raises(websockets.ConnectionClosedError, match="1009"):
                await bad.recv()
            await good.send("x")
            assert "no JSON object" in json.loads(await good.recv())["error"]

    asyncio.run(scene())


def test_a_foreign_page_gets_no_socket(address):
    async def scene():
        live = address.replace("http", "ws") + "api/live"
        with pytest.raises(websockets.InvalidStatus, match="403"):
            async with websockets.connect(live, origin="http://evil.example"):
                pass

    asyncio.run(scene())


def test_a_taken_port_is_a_sentence(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port), "--no-browser"]) == 2
    assert f"Port {port} is taken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--weights", "nothing"], "weights"),
        (["--weights", "missing.safetensors"], "missing"),
        (["--port", "99999"], "0 to 65535"),
        (["--port", "x"], "0 to 65535"),
        (["--host", "203.0.113.7"], "no address of this machine"),
        (["--host", "no.such.host.invalid"], "no address of this machine"),
        (["--device", "abacus"], "device"),
    ],
)
def test_a_mistake_is_a_sentence(arguments, words, capsys):
    assert main(["serve", "--no-browser", *([] if "--port" in arguments else ["--port", "0"]), *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_a_detector_that_is_not_there_is_a_sentence(capsys):
    pytest.importorskip("ai_edge_litert", reason="MoveNet needs ai-edge-litert: pip install 'posegan[detect]'")
    test_a_mistake_is_a_sentence(["--movenet", "missing.tflite"], "missing.tflite", capsys)


def test_without_fastapi_it_says_what_to_install(capsys, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "posegan.app.run":
            raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["serve"]) == 2
    assert "pip install 'posegan[web]'" in capsys.readouterr().err


def test_addresses():
    with listen("127.0.0.1", 0) as one, listen("0.0.0.0", 0) as two:
        assert address_of(one) == f"http://127.0.0.1:{one.getsockname()[1]}/"
        assert address_of(two) == f"http://127.0.0.1:{two.getsockname()[1]}/"
    with pytest.raises(UserError, match="no address"):
        listen("203.0.113.7", 0)
