"""More photos of a photo's person: added, their joints found or placed, and used wherever the library uses them."""

from __future__ import annotations

import io
import json

import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from posegan.app import studio as studio_module
from posegan.app.messages import OTHERS, pose_to_json
from posegan.app.photos import UPLOAD, Photo, Source
from posegan.app.server import create_app
from posegan.app.studio import Studio
from posegan.detect.base import People, joint_boxes
from posegan.identity import IdentityEmbedding
from posegan.identity.embedding import Limits
from posegan.images import from_pil, png_bytes, to_bytes, to_signed
from posegan.inference.animate import steady
from posegan.inference.framing import fit_photo
from posegan.inference.output import provenance
from posegan.inference.paste import paste_person
from posegan.pose import Pose
from tests.small_world import SIZE, standing
from tests.small_world import photo as drawn

from .conftest import ADDRESS, LIVE, picture
from .test_live import parts

MODEL = "tiny"
FRONT, BACK = (drawn(seed, standing(name)) for seed, name in ((1, "front"), (2, "back")))
MORE = [(BACK, standing("back"))]
TARGET = standing("walking")


class Knowing:
    """A detector that knows the two photos, and sees nobody elsewhere."""

    name = "knowing"

    def __call__(self, photo: torch.Tensor) -> People:
        seen = [standing(name) for name, own in (("front", FRONT), ("back", BACK)) if torch.equal(photo, own)]
        pose = Pose.stack([*seen, standing()])[: len(seen)]
        return People(pose, torch.ones(len(seen), 18), torch.ones(len(seen)), joint_boxes(pose))


@pytest.fixture
def client(studio):
    with TestClient(create_app(studio, Knowing()), base_url=ADDRESS) as client:
        yield client


def upload(client, path, photo):
    answer = client.post(path, content=photo if isinstance(photo, bytes) else png_bytes(photo))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def body(client):
    """A wish as the page sends it, for a person of two photos."""
    first = upload(client, "/api/photo", FRONT)["photo"]
    second = upload(client, f"/api/photo/{first}/others", BACK)["photo"]
    return {"photo": first, "others": [second], "model": MODEL, "pose": pose_to_json(TARGET)}


def rendered(studio, targets: Pose, others=MORE):
    predictor = studio.predictor(MODEL)
    image, pose = fit_photo(FRONT, standing(), predictor.size)
    return predictor.render_person(predictor.encode_person(to_signed(image), pose, others), targets)


def opened(answer):
    return from_pil(Image.open(io.BytesIO(answer.content)))


class Telling:
    """An embedding for which any two photos are so much alike."""

    def __init__(self, similarity: float) -> None:
        self.limits = Limits(likely=0.6, unlikely=0.3)
        self.similarity = similarity

    def __call__(self, photos):
        assert photos.shape == (2, 3, 128, 64)
        return torch.tensor([[1.0, 0.0], [self.similarity, 0.0]])


@pytest.mark.parametrize(("similarity", "doubted"), [(0.2, True), (0.4, False), (0.9, False)])
def test_a_photo_of_somebody_else_is_added_and_doubted(client, monkeypatch, similarity, doubted):
    monkeypatch.setattr(IdentityEmbedding, "load", lambda: Telling(similarity))
    first = upload(client, "/api/photo", FRONT)["photo"]
    added = upload(client, f"/api/photo/{first}/others", BACK)
    assert ("somebody else (similarity 0.20)" in (added["doubt"] or "")) == doubted
    assert client.get(f"/api/photo/{added['photo']}").status_code == 200


def test_the_page_is_told_how_many_are_taken(client):
    assert client.get("/api/models").json()["photos"] == 1 + OTHERS == 8


def test_an_added_photo_comes_with_its_joints_to_be_shown(client):
    first = upload(client, "/api/photo", FRONT)["photo"]
    told = upload(client, f"/api/photo/{first}/others", BACK)
    assert told["pose"] == pose_to_json(standing("back"))
    assert told["size"] == list(SIZE)
    assert opened(client.get(f"/api/photo/{told['photo']}")).equal(BACK)


def test_where_nobody_is_found_the_joints_can_be_placed_and_the_photo_is_used(client, studio):
    first = upload(client, "/api/photo", FRONT)["photo"]
    unknown = BACK // 2 * 2  # not quite the one that the detector knows
    told = upload(client, f"/api/photo/{first}/others", unknown)
    assert (told["pose"], told["boxes"], told["doubt"]) == (None, None, None)
    body = {"photo": first, "others": [told["photo"]], "model": MODEL, "pose": pose_to_json(TARGET)}
    assert client.post("/api/download", json=body).status_code == 409  # its joints are not known
    joints = pose_to_json(standing("back"))
    assert client.put(f"/api/photo/{told['photo']}/pose", json={"pose": joints}).status_code == 200
    wanted = rendered(studio, Pose.stack([TARGET]), [(unknown, standing("back"))])
    assert torch.equal(opened(client.post("/api/download", json=body)), to_bytes(wanted[0]))


def test_what_cannot_be_added_is_refused_in_a_sentence(client, studio):
    first = upload(client, "/api/photo", FRONT)["photo"]
    address = f"/api/photo/{first}/others"
    for content, status, words in (
        (b"nothing", 415, "no photo"),
        (picture((8000, 7000), mode="1"), 413, "million"),
        (bytes(UPLOAD + 1), 413, "too large"),
    ):
        answer = client.post(address, content=content)
        assert (answer.status_code, words in answer.json()["error"]) == (status, True), words
        assert answer.json()["error"].count(". ") == 0  # one sentence
    assert client.post("/api/photo/x/others", content=png_bytes(BACK)).status_code == 404
    assert client.get(address).status_code == 405
    client.cookies.clear()
    assert client.post(address, content=png_bytes(BACK)).status_code == 404  # another session's
    with TestClient(create_app(studio), base_url=ADDRESS) as blind:
        first = upload(blind, "/api/photo", FRONT)["photo"]
        answer = blind.post(f"/api/photo/{first}/others", content=png_bytes(BACK))
        assert (answer.status_code, "Nothing here finds joints" in answer.json()["error"]) == (409, True)


def test_however_many_photos_are_added_the_first_one_stays(client):
    first = upload(client, "/api/photo", FRONT)["photo"]
    for _ in range(15):
        assert client.post(f"/api/photo/{first}/others", content=picture()).status_code == 200
    assert client.get(f"/api/photo/{first}").status_code == 200


def test_the_pictures_are_the_librarys_of_all_photos(client, studio, body):
    wanted = rendered(studio, Pose.stack([TARGET]))
    alone = rendered(studio, Pose.stack([TARGET]), ())
    assert (wanted - alone).abs().max() > 0.05
    made = opened(client.post("/api/download", json=body))
    assert (made.int() - to_bytes(wanted)[0].int()).abs().max() <= 1
    with client.websocket_connect(LIVE) as socket:
        asked = {key: body[key] for key in ("photo", "others", "pose")} | {"models": [MODEL]}
        for number, others, picture_wanted in ((1, body["others"], wanted), (2, [], alone)):
            socket.send_text(json.dumps(asked | {"number": number, "others": others}))
            pixels = parts(socket.receive_bytes())[1]
            shown = from_pil(Image.frombytes("RGBA", SIZE[::-1], pixels).convert("RGB"))
            assert (shown.int() - to_bytes(picture_wanted)[0].int()).abs().max() <= 1


def test_the_whole_photo_is_the_librarys_of_all_photos(client, studio, body):
    made = opened(client.post("/api/in-photo", json=body))
    predictor = studio.predictor(MODEL)
    wanted = paste_person(predictor, FRONT, standing(), TARGET, others=MORE)
    assert (made.int() - wanted.int()).abs().max() <= 1
    assert not torch.equal(wanted, paste_person(predictor, FRONT, standing(), TARGET))


def test_a_motion_is_of_all_photos(client, studio, body):
    frames = [standing(name) for name in ("front", "walking", "back")]
    asked = {key: body[key] for key in ("photo", "others", "model")}
    answer = client.post("/api/motion", json=asked | {"frames": [pose_to_json(f) for f in frames], "seconds": 1})
    assert answer.status_code == 200
    targets = Pose.stack(frames)
    with Image.open(io.BytesIO(answer.content)) as gif:
        said = json.loads(gif.info["comment"])
        gif.seek(2)
        last = from_pil(gif.convert("RGB")).float()
    pictures = [rendered(studio, targets, others) for others in (MORE, ())]
    wanted, alone = (to_bytes(steady(frames, targets))[2].float() for frames in pictures)
    assert (last - wanted).abs().mean() < min(4, (last - alone).abs().mean())
    assert len(said["posegan:other-sources"]) == 64


def test_pictures_name_all_their_photos(client, studio, body):
    for path, carried in (("download", False), ("in-photo", True)):
        said = Image.open(io.BytesIO(client.post(f"/api/{path}", json=body).content)).text
        source, other = said["posegan:source"], said["posegan:other-sources"]
        assert len({source, other}) == 2
        assert said == provenance(studio.predictor(MODEL), source, others=[other], carried=carried)


def test_what_is_judged_is_the_picture_of_all_photos(client, body, monkeypatch):
    judged = []

    def judge(self, photo, model, pose, judge, others=()):
        judged.append(others)
        return frames(self, photo, model, pose, judge, others)

    frames = Studio.judge
    monkeypatch.setattr(Studio, "judge", judge)
    assert client.post("/api/judge", json=body).status_code == 200
    assert [[other.source.pose.xy.tolist() for other in others] for others in judged] == [
        [standing("back").xy.tolist()]
    ]


def test_every_mistake_has_a_status_and_a_sentence(client, body):
    unplaced = upload(client, "/api/photo", picture())["photo"]
    for others, status, words in (
        (["unknown"], 404, "no longer here"),
        ([unplaced], 409, "place them first"),
        ([3], 400, "'others'"),
        ("abc", 400, "'others'"),
        (["../../etc/passwd"], 404, "no longer here"),
        ([str(i) for i in range(OTHERS + 1)], 400, "at most 7"),
    ):
        for path in ("download", "in-photo", "judge"):
            answer = client.post(f"/api/{path}", json=body | {"others": others})
            assert (answer.status_code, words in answer.json()["error"]) == (status, True), (path, others)


def test_the_features_that_are_kept_are_counted_in_photos(studio, monkeypatch):
    monkeypatch.setattr(studio_module, "ENCODED", 4)
    own = Studio(studio.predictors)
    people = [Photo(FRONT, SIZE, "test", Source(standing())) for _ in range(5)]
    for count in (1, 2, 3):
        own.render(people[0], MODEL, TARGET, people[1:count])
        assert sum(map(len, own._encoded.values())) <= 4
    own.render(people[0], MODEL, TARGET, people[1:])  # more than are kept: they are there while they are used
    assert [len(encoded) for encoded in own._encoded.values()] == [5]
