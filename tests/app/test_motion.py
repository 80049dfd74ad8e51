"""A motion as a GIF: the frames as they play, in real time, with provenance; others get their turn; limits."""

from __future__ import annotations

import asyncio
import io
import itertools
import json

import pytest
import torch
from PIL import Image, ImageSequence

from posegan.app import motion
from posegan.app.messages import FRAMES, Motion, parse_motion
from posegan.app.motion import MOTION, make_gif
from posegan.app.refusal import RefusedError
from posegan.app.service import Service
from posegan.app.studio import Studio
from posegan.images import from_pil, to_bytes
from posegan.inference.animate import steady
from posegan.inference.output import provenance
from posegan.pose import Pose
from tests.small_world import standing

MODEL = "tiny"
JOINTS = [[10, 20, 1]] * 18


@pytest.fixture
def photo(client):
    return client.post("/api/examples/0").json()


@pytest.fixture
def walk(client, photo):
    """The body of a request for a bundled walk, as the page sends it."""
    library = client.get(f"/api/photo/{photo['photo']}/library").json()
    sequence = next(entry for entry in library["sequences"] if entry["name"] == "walk-left")
    return {"photo": photo["photo"], "model": MODEL, "frames": sequence["frames"], "seconds": sequence["seconds"]}


def asked(**changes) -> str:
    return json.dumps({"photo": "abc", "model": "m", "frames": [JOINTS] * 3, "seconds": 0.5} | changes)


def test_the_gif_shows_the_walk_in_real_time_before_a_steady_background(client, studio, walk):
    answer = client.post("/api/motion", json=walk)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/gif"
    with Image.open(io.BytesIO(answer.content)) as gif:
        assert (gif.size, gif.n_frames, gif.info["loop"]) == ((64, 128), len(walk["frames"]), 0)
        frames = [(from_pil(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(gif)]
    assert sum(duration for _, duration in frames) == pytest.approx(1000 * walk["seconds"], abs=5)
    predictor = studio.predictor(MODEL)
    example = client.get(f"/api/photo/{walk['photo']}").content
    joints = torch.tensor(client.post("/api/examples/0").json()["pose"])
    source, own = predictor.prepare(Image.open(io.BytesIO(example)), Pose(joints[:, :2], joints[:, 2] > 0))
    targets = torch.tensor(walk["frames"])
    poses = Pose(targets[..., :2], targets[..., 2] > 0).inside((128, 64))
    pictures = predictor.render(predictor.encode(source[None], Pose.stack([own])), poses)
    wanted = to_bytes(steady(pictures, poses))
    for (shown, _), frame in zip(frames, wanted, strict=True):
        assert (shown.float() - frame.float()).abs().mean() < 4  # 256 colours for all frames


def test_the_gif_says_what_it_is_as_animate_does(client, studio, walk):
    with Image.open(io.BytesIO(client.post("/api/motion", json=walk).content)) as gif:
        said = json.loads(gif.info["comment"])
    assert said == provenance(studio.predictor(MODEL), said["posegan:source"])
    assert said["Description"].startswith("AI-generated")
    assert len(said["posegan:weights-sha256"]) == 64
    assert "synthetic person" in said["posegan:source"]


def test_a_motion_is_read():
    read = parse_motion(asked(frames=[JOINTS] * FRAMES, seconds=2))
    assert (read.photo, read.model, read.seconds) == ("abc", "m", 2.0)
    assert read.poses.xy.shape == (FRAMES, 18, 2)


def test_the_longest_motion_fits_into_a_request():
    pose = [[-1234.56, -1234.56, 1]] * 18
    assert len(asked(photo="x" * 22, model="y" * 60, frames=[pose] * FRAMES)) < MOTION


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames": None}, "'frames' is to be a list"),
        ({"frames": "walk"}, "'frames' is to be a list"),
        ({"frames": {"0": JOINTS}}, "'frames' is to be a list"),
        ({"frames": []}, "'frames' is to be a list"),
        ({"frames": [JOINTS] * (FRAMES + 1)}, f"{FRAMES + 1} poses; at most {FRAMES}"),
        ({"frames": [JOINTS, None]}, "18 joints"),
        ({"frames": [JOINTS, JOINTS[1:]]}, "18 joints"),
        ({"frames": [[["1", 2, 1]] * 18]}, "18 joints"),
        ({"frames": [[[float("nan"), 2, 1]] * 18]}, "18 joints"),
        ({"frames": [[[1e9, 2, 1]] * 18]}, "18 joints"),
        ({"seconds": None}, "'seconds' is to be a number from 0.06 to 60"),
        ({"seconds": "1"}, "'seconds'"),
        ({"seconds": True}, "'seconds'"),
        ({"seconds": 0.05}, "'seconds'"),
        ({"seconds": -1}, "'seconds'"),
        ({"seconds": 61}, "'seconds'"),
        ({"seconds": float("nan")}, "'seconds'"),
        ({"seconds": float("inf")}, "'seconds'"),
        ({"photo": 3}, "'photo'"),
        ({"model": None}, "'model'"),
        ({"model": "m" * 201}, "'model'"),
    ],
)
def test_a_field_that_is_not_as_agreed_is_named(changes, words):
    with pytest.raises(RefusedError, match=words):
        parse_motion(asked(**changes))


def test_every_mistake_has_a_status_and_a_sentence(client, walk):
    outside = [[[x + 500, y, seen] for x, y, seen in walk["frames"][0]]]
    hidden = [[[x, y, 0] for x, y, _ in walk["frames"][0]]]
    for changes, status, words in (
        ({"photo": "unknown"}, 404, "no longer here"),
        ({"model": "nobody"}, 404, "There is no model 'nobody'"),
        ({"frames": []}, 400, "'frames'"),
        ({"frames": walk["frames"][:2] + outside}, 400, "No joint of pose 3 lies in the picture"),
        ({"frames": hidden + walk["frames"][:2]}, 400, "No joint of pose 1 lies in the picture"),
    ):
        answer = client.post("/api/motion", json={**walk, **changes})
        assert (answer.status_code, words in answer.json()["error"]) == (status, True), changes
    for content, status, words in (
        (b"[]", 400, "no JSON object"),
        (b"{", 400, "no JSON object"),
        (b" " * (MOTION + 1), 413, "at most 64 KiB"),
    ):
        answer = client.post("/api/motion", content=content)
        assert (answer.status_code, words in answer.json()["error"]) == (status, True)
    assert client.post("/api/motion", json=walk).status_code == 200  # and the next one is made


def test_another_session_and_a_photo_without_joints_get_none(client, studio, walk):
    client.cookies.clear()
    assert client.post("/api/motion", json=walk).status_code == 404
    picture = io.BytesIO()
    Image.new("RGB", (60, 90), "red").save(picture, "PNG")
    photo = client.post("/api/photo", content=picture.getvalue()).json()
    answer = client.post("/api/motion", json={**walk, "photo": photo["photo"]})
    assert (answer.status_code, "place them first" in answer.json()["error"]) == (409, True)


class Slow(Studio):
    """Counts what it renders, and notes in which order."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.predictors)
        self.order: list[int] = []

    def frames(self, photo, model, targets, others=()):
        self.order.append(len(targets))
        return super().frames(photo, model, targets, others)


@pytest.fixture
def scene(studio, monkeypatch):
    """A service with a photo of the session "me", and a motion of nine poses."""
    monkeypatch.setattr(motion, "AT_ONCE", 2)
    service = Service(Slow(studio), None)
    name = service.store.add("me", service.examples.get(0))
    poses = [standing(kind) for kind in ("front", "back", "walking")] * 3
    yield service, Motion(name, MODEL, Pose.stack(poses), 1.0)
    service.close()


def test_between_its_pictures_others_get_their_turn(scene):
    service, wanted = scene

    async def play():
        making = asyncio.create_task(make_gif(service, "me", wanted))
        photo, turns = service.examples.get(1), 0
        while not making.done():
            await service.on_models(service.studio.render, photo, MODEL, standing())
            turns += 1
        await making
        return turns

    turns = asyncio.run(play())
    rendered = service.studio.order
    assert [count for count in rendered if count == 2] == [2] * 4
    parts = [i for i, count in enumerate(rendered) if count == 2]
    assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(parts))  # one picture between
    assert turns >= 4


def test_a_session_has_one_in_the_making_and_others_wait_for_it(scene):
    service, wanted = scene
    other = Motion(service.store.add("you", service.examples.get(1)), MODEL, wanted.poses[:1], 1.0)

    async def play():
        first = asyncio.create_task(make_gif(service, "me", wanted))
        second = asyncio.create_task(make_gif(service, "you", other))
        await asyncio.sleep(0)
        with pytest.raises(RefusedError, match="wait for it"):
            await make_gif(service, "me", wanted)
        await asyncio.gather(first, second)
        await make_gif(service, "me", Motion(wanted.photo, MODEL, wanted.poses[:3], 1.0))

    asyncio.run(play())
    assert service.studio.order == [2, 2, 2, 2, 1, 1, 2, 1]


def test_the_joints_of_the_photo_may_be_placed_anew_meanwhile(scene):
    service, wanted = scene
    alone = asyncio.run(make_gif(service, "me", wanted))

    async def play():
        making = asyncio.create_task(make_gif(service, "me", wanted))
        await asyncio.sleep(0)
        service.store.get("me", wanted.photo).source = None
        return await making

    service.one_motion = asyncio.Lock()
    assert asyncio.run(play()) == alone


def test_whoever_has_gone_is_not_worked_for(scene):
    service, wanted = scene

    async def gone():
        return len(service.studio.order) == 2

    with pytest.raises(RefusedError, match="Nobody waits"):
        asyncio.run(make_gif(service, "me", wanted, gone))
    assert service.studio.order == [2, 2]
    assert service.in_motion == set()
