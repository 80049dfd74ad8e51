"""The whole photo with its person in a new pose: the library's, what it says of itself, refusals, and who gives way."""

from __future__ import annotations

import asyncio
import gc
import io

import pytest
import torch
from PIL import Image

from posegan.app.in_photo import make_in_photo
from posegan.app.messages import pose_to_json
from posegan.app.refusal import RefusedError
from posegan.app.requests import MESSAGE
from posegan.app.service import Service
from posegan.app.studio import Studio, load_predictors
from posegan.images import from_pil, png_bytes
from posegan.inference import Predictor
from posegan.inference.onnx_generator import OnnxGenerator
from posegan.inference.output import CARRIED, provenance
from posegan.inference.paste import paste_person
from posegan.pose import Pose
from tests.small_world import photo as drawn
from tests.small_world import standing

from .conftest import picture

MODEL = "tiny"
SIZE = (300, 260)
SOURCE = standing().resize((128, 64), (250, 125)).crop(-60, -30)
TARGET = standing("walking").resize((128, 64), (250, 125)).crop(-80, -30)


@pytest.fixture
def body(client):
    """A wish as the page sends it, for a photo that is larger than the model's pictures."""
    photo = client.post("/api/photo", content=png_bytes(drawn(3, SOURCE, SIZE))).json()
    client.put(f"/api/photo/{photo['photo']}/pose", json={"pose": pose_to_json(SOURCE)})
    return {"photo": photo["photo"], "model": MODEL, "pose": pose_to_json(TARGET)}


def test_the_whole_photo_is_the_librarys(client, studio, body):
    answer = client.post("/api/in-photo", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    made = from_pil(Image.open(io.BytesIO(answer.content)))
    own = drawn(3, SOURCE, SIZE)
    wanted = paste_person(studio.predictor(MODEL), own, SOURCE, TARGET)
    assert made.shape == (3, *SIZE)
    differing = ((made.int() - wanted.int()).abs() > 1).any(0)  # rounding decides between two parts that meet there
    assert differing.float().mean() < 1e-4
    assert (made != own).any(0).float().mean() > 0.02
    assert torch.equal(made[:, :, :20], own[:, :, :20])


def test_it_says_what_it_is_and_what_of_it_is_the_photos(client, studio, body):
    said = Image.open(io.BytesIO(client.post("/api/in-photo", json=body).content)).text
    source = said["posegan:source"]
    assert len(source) == 64
    assert said == {**provenance(studio.predictor(MODEL), source), "posegan:carried": CARRIED}
    assert "AI-generated" in said["Description"]


def test_bundled_weights_on_onnxruntime_make_the_same():
    pytest.importorskip("onnxruntime")
    (fast,) = load_predictors(["posegan-synthetic"], "cpu").values()
    assert isinstance(fast.generator, OnnxGenerator)
    own = drawn(3, SOURCE, SIZE)
    by_torch = paste_person(Predictor.load("posegan-synthetic", "cpu"), own, SOURCE, TARGET)
    assert (paste_person(fast, own, SOURCE, TARGET).int() - by_torch.int()).abs().max() <= 1


def test_every_mistake_has_a_status_and_a_sentence(client, body):
    outside = [[x + 900, y, seen] for x, y, seen in body["pose"]]
    hidden = [[x, y, 0] for x, y, _ in body["pose"]]
    unplaced = client.post("/api/photo", content=picture()).json()["photo"]
    for changes, status, words in (
        ({"photo": "unknown"}, 404, "no longer here"),
        ({"photo": 3}, 400, "'photo'"),
        ({"photo": unplaced}, 409, "place them first"),
        ({"model": "nobody"}, 404, "There is no model 'nobody'"),
        ({"pose": outside}, 400, "No joint of this pose lies in the picture"),
        ({"pose": hidden}, 400, "No joint of this pose lies in the picture"),
        ({"pose": body["pose"][1:]}, 400, "18 joints"),
    ):
        answer = client.post("/api/in-photo", json={**body, **changes})
        assert (answer.status_code, words in answer.json()["error"]) == (status, True), changes
    assert client.post("/api/in-photo", content=b"[]").status_code == 400
    assert client.post("/api/in-photo", content=b" " * (MESSAGE + 1)).status_code == 413
    assert client.post("/api/in-photo", json=body, headers={"Origin": "http://evil.example"}).status_code == 403
    client.cookies.clear()
    assert client.post("/api/in-photo", json=body).status_code == 404


class Noting(Studio):
    """Notes which poses it shows in a photo, by where the nose is."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.predictors)
        self.order: list[float] = []

    def in_photo(self, photo, model, pose, others=()):
        self.order.append(float(pose.xy[0, 0]))
        return super().in_photo(photo, model, pose, others)


@pytest.fixture
def service(studio):
    service = Service(Noting(studio), None)
    yield service
    service.close()


def moved(x: float) -> Pose:
    return standing().crop(-x, 0)


def test_of_many_wishes_for_a_photo_the_one_at_work_and_the_newest_are_carried_out(service):
    first, second, nose = service.examples.get(0), service.examples.get(1), float(standing().xy[0, 0])

    async def play():
        wishes = [
            asyncio.create_task(make_in_photo(service, photo, MODEL, moved(x)))
            for x, photo in enumerate((first, first, second, first, first))
        ]
        return await asyncio.gather(*wishes, return_exceptions=True)

    answers = asyncio.run(play())
    assert [isinstance(answer, bytes) for answer in answers] == [True, False, True, False, True]
    for passed_over in (answers[1], answers[3]):
        assert isinstance(passed_over, RefusedError)
        assert passed_over.status == 409
    assert service.studio.order == [nose, nose + 2, nose + 4]


def test_whoever_has_gone_is_not_worked_for(service):
    async def gone():
        return True

    photo = service.examples.get(0)
    with pytest.raises(RefusedError, match="Nobody waits"):
        asyncio.run(make_in_photo(service, photo, MODEL, moved(0), gone=gone))
    assert service.studio.order == []
    del photo
    gc.collect()
    assert len(service.in_photo.wishes) == 0  # nothing is kept of photos that are gone


@pytest.mark.parametrize("others", [0, 2])
def test_a_drag_gets_its_turn_while_it_is_made(service, others):
    photo, *more = (service.examples.get(number) for number in range(1 + others))
    turns: list[str] = []

    async def play():
        on_models = service.on_models

        async def noted(function, *arguments):
            turns.append(function.__name__)
            return await on_models(function, *arguments)

        service.on_models = noted
        making = asyncio.create_task(make_in_photo(service, photo, MODEL, moved(0), more))
        while not turns:
            await asyncio.sleep(0)
        await service.on_models(service.studio.render, photo, MODEL, moved(1))
        await making

    asyncio.run(play())
    assert turns == ["in_photo", "render", *(["cut"] * others), "show"]


def test_a_newer_pose_is_not_kept_waiting_until_all_photos_are_cut_out(service):
    photo, *more = (service.examples.get(number) for number in range(3))

    async def play():
        on_models, wishes = service.on_models, []

        async def noted(function, *arguments):
            if function.__name__ == "cut" and len(wishes) == 1:
                wishes.append(asyncio.create_task(make_in_photo(service, photo, MODEL, moved(1), more)))
                await asyncio.sleep(0)
            return await on_models(function, *arguments)

        service.on_models = noted
        wishes.append(asyncio.create_task(make_in_photo(service, photo, MODEL, moved(0), more)))
        return await asyncio.gather(wishes[0], return_exceptions=True), await wishes[1]

    ((old,), new) = asyncio.run(play())
    assert isinstance(old, RefusedError)
    assert old.status == 409
    assert isinstance(new, bytes)
