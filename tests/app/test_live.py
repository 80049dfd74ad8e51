"""The talk with one page: the newest pose wins, nonsense is answered, a slow reader holds up nobody else."""

import asyncio
import json

import pytest

from posegan.app.live import Latest, converse
from posegan.app.messages import Wish
from posegan.errors import UserError
from tests.small_world import standing

JOINTS = [[1, 2, 1]] * 18


class FakeSocket:
    """Stands for an accepted WebSocket; `slow` holds every answer until it is set."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self.sent: list[str | bytes] = []
        self.free = asyncio.Event()
        self.free.set()

    async def receive(self):
        return await self.incoming.get()

    async def send_text(self, text):
        await self.free.wait()
        self.sent.append(text)

    async def send_bytes(self, data):
        await self.free.wait()
        self.sent.append(data)

    def say(self, number, models=("m",)):
        wish = {"number": number, "photo": "p", "models": list(models), "pose": JOINTS}
        self.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(wish)})

    def leave(self):
        self.incoming.put_nowait({"type": "websocket.disconnect"})


class FakeModel:
    """Renders when told to."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.go = asyncio.Event()

    async def __call__(self, wish: Wish, model: str):
        self.started.append(wish.number)
        await self.go.wait()
        if model == "refuses":
            raise UserError("Not so.")
        if model == "breaks":
            raise KeyError("secret")
        return {"number": wish.number, "model": model}, b"pixels"


def parts(answer: bytes):
    length = int.from_bytes(answer[:4], "big")
    return json.loads(answer[4 : 4 + length]), answer[4 + length :]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_of_many_poses_the_first_and_the_newest_are_rendered():
    async def scene():
        socket, model = FakeSocket(), FakeModel()
        talk = asyncio.create_task(converse(socket, model))
        socket.say(0)
        await settle()
        assert model.started == [0]
        for number in range(1, 30):
            socket.say(number)
        await settle()
        assert model.started == [0]  # one at work, one waiting
        model.go.set()
        await settle()
        socket.leave()
        await talk
        assert model.started == [0, 29]
        assert [parts(answer)[0]["number"] for answer in socket.sent] == [0, 29]
        assert parts(socket.sent[0])[1] == b"pixels"

    asyncio.run(scene())


def test_a_page_that_does_not_read_slows_itself_only():
    async def scene():
        slow, quick, model = FakeSocket(), FakeSocket(), FakeModel()
        model.go.set()
        slow.free.clear()
        talks = [asyncio.create_task(converse(socket, model)) for socket in (slow, quick)]
        for number in range(5):
            slow.say(number)
            quick.say(100 + number)
            await settle()
        assert [n for n in model.started if n < 100] == [0]
        assert [parts(answer)[0]["number"] for answer in quick.sent] == [100, 101, 102, 103, 104]
        slow.free.set()
        await settle()
        assert [parts(answer)[0]["number"] for answer in slow.sent] == [0, 4]
        for socket in (slow, quick):
            socket.leave()
        await asyncio.gather(*talks)

    asyncio.run(scene())


def test_nonsense_and_failures_are_answered_and_the_talk_goes_on(caplog):
    async def scene():
        socket, model = FakeSocket(), FakeModel()
        model.go.set()
        talk = asyncio.create_task(converse(socket, model))
        for message in ({"text": "nonsense"}, {"bytes": b"\xff"}, {}):
            socket.incoming.put_nowait({"type": "websocket.receive", **message})
            await settle()
        socket.say(1, ("refuses", "breaks", "m"))
        await settle()
        socket.leave()
        await talk
        said = [json.loads(answer) for answer in socket.sent[:5]]
        assert all("no JSON object" in answer["error"] for answer in said[:3])
        assert said[3] == {"number": 1, "model": "refuses", "error": "Not so.", "status": 400}
        assert said[4]["model"] == "breaks"
        assert "secret" not in said[4]["error"]
        assert parts(socket.sent[5])[0] == {"number": 1, "model": "m"}

    asyncio.run(scene())
    assert "KeyError" in caplog.text


def test_nothing_is_left_running_when_a_page_goes_while_its_picture_is_made():
    async def scene():
        socket, model = FakeSocket(), FakeModel()
        talk = asyncio.create_task(converse(socket, model))
        socket.say(0)
        await settle()
        socket.leave()
        await talk
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scene())


def test_a_refusal_and_a_wish_do_not_displace_each_other():
    async def scene():
        latest = Latest()
        wish = Wish(1, "p", ("m",), standing())
        latest.put(wish)
        latest.refuse("no")
        assert await latest.take() == ("no", wish)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(latest.take(), 0.01)

    asyncio.run(scene())
