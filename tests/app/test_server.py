"""The routes, over tiny weights: photos in, poses in, pictures out, and sentences for everything else."""

from __future__ import annotations

import io
import json
import threading
import time

import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from posegan.app import requests
from posegan.app.messages import pose_to_json
from posegan.app.server import create_app
from posegan.app.studio import Studio
from posegan.detect.base import People, joint_boxes
from posegan.inference.poses import bundled_poses
from posegan.pose import COCO18, Pose
from posegan.pose.io import parse_openpose
from tests.small_world import Blind, standing

from .conftest import ADDRESS, LIVE, picture
from .test_live import parts

MODEL = "tiny"


def take_example(client: TestClient, number: int = 0) -> dict:
    answer = client.post(f"/api/examples/{number}")
    assert answer.status_code == 200
    return answer.json()


def wish(photo: dict, number: int = 1, models=(MODEL,), pose=None) -> str:
    return json.dumps(
        {"number": number, "photo": photo["photo"], "models": list(models), "pose": pose or photo["pose"]}
    )


def test_the_page_and_the_facts(client):
    page = client.get("/")
    assert page.status_code == 200
    assert "posegan" in page.text
    assert "HttpOnly" in page.headers["set-cookie"]
    assert "SameSite=strict" in page.headers["set-cookie"]
    assert client.get("/api/skeleton").json()["joints"] == list(COCO18.joints)
    told = client.get("/api/models").json()
    assert told["detector"] is None
    assert [(m["name"], m["model"], m["size"]) for m in told["models"]] == [(MODEL, "posegan", [128, 64])]
    library = client.get("/api/library").json()
    assert library["size"] == [128, 64]
    assert [entry["name"] for entry in library["poses"]] == list(bundled_poses())
    assert all(len(frame) == 18 for entry in library["sequences"] for frame in entry["frames"])


def test_parents_make_a_tree_with_the_neck_as_root():
    for joint, parent in enumerate(COCO18.parents):
        assert parent == -1 or (parent, joint) in COCO18.edges
        steps = 0
        while joint != COCO18.index("neck"):
            joint, steps = COCO18.parents[joint], steps + 1
            assert steps < 4
    assert COCO18.parents[COCO18.index("right_ear")] == COCO18.index("right_eye")


def test_an_example_comes_with_joints_and_is_rendered_live(client):
    photo = take_example(client)
    assert photo["boxes"] == {MODEL: [0, 0, 64, 128]}
    shown = client.get(f"/api/photo/{photo['photo']}")
    assert Image.open(io.BytesIO(shown.content)).size == (64, 128)
    assert client.get("/api/examples/0.png").content == shown.content
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(wish(photo))
        said, first = parts(socket.receive_bytes())
        assert (said["number"], said["model"]) == (1, MODEL)
        assert said["milliseconds"] > 0
        moved = [[x + 20, y, seen] if i == 4 else [x, y, seen] for i, (x, y, seen) in enumerate(photo["pose"])]
        socket.send_text(wish(photo, 2, pose=moved))
        said, second = parts(socket.receive_bytes())
        assert said["number"] == 2
        assert said["size"] == [128, 64]
    assert len(first) == 128 * 64 * 4
    assert set(first[3::4]) == {255}
    assert first != second


def test_a_live_picture_is_the_predictors(client, studio):
    photo = take_example(client)
    pose = standing("walking")
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(wish(photo, pose=pose_to_json(pose)))
        pixels = parts(socket.receive_bytes())[1]
    source = Image.open(io.BytesIO(client.get(f"/api/photo/{photo['photo']}").content))
    joints = torch.tensor(photo["pose"])
    wanted = studio.predictors[MODEL].generate(source, pose, Pose(joints[:, :2], joints[:, 2] > 0))
    made = Image.frombytes("RGBA", wanted.size, pixels).convert("RGB")
    assert max(abs(a - b) for a, b in zip(made.tobytes(), wanted.tobytes(), strict=True)) <= 1


def test_an_own_photo_waits_for_its_joints(client):
    photo = client.post("/api/photo", content=picture((300, 400))).json()
    assert photo["pose"] is None
    assert photo["boxes"] is None
    pose = pose_to_json(standing().resize((128, 64), (400, 200)))
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(wish(photo, pose=pose))
        assert "place them first" in socket.receive_json()["error"]
        boxes = client.put(f"/api/photo/{photo['photo']}/pose", json={"pose": pose}).json()["boxes"]
        left, top, width, height = boxes[MODEL]
        assert height == pytest.approx(2 * width, abs=2)
        assert 0 <= left < 200
        assert 0 <= top < 60
        socket.send_text(wish(photo, 2, pose=pose))
        assert parts(socket.receive_bytes())[0]["number"] == 2


def test_a_changed_source_pose_changes_the_picture(client):
    photo = take_example(client)
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(wish(photo))
        first = parts(socket.receive_bytes())[1]
        moved = [[x + 9 * (i in (4, 7)), y, seen] for i, (x, y, seen) in enumerate(photo["pose"])]
        client.put(f"/api/photo/{photo['photo']}/pose", json={"pose": moved})
        socket.send_text(wish(photo))
        assert parts(socket.receive_bytes())[1] != first


def test_a_download_says_what_it_is(client):
    photo = take_example(client)
    answer = client.post("/api/download", json={"photo": photo["photo"], "model": MODEL, "pose": photo["pose"]})
    assert answer.headers["content-type"] == "image/png"
    said = Image.open(io.BytesIO(answer.content)).text
    assert "AI-generated" in said["Description"]
    assert len(said["posegan:weights-sha256"]) == 64
    assert "synthetic person" in said["posegan:source"]
    own = client.post("/api/photo", content=picture()).json()
    client.put(f"/api/photo/{own['photo']}/pose", json={"pose": pose_to_json(standing())})
    body = {"photo": own["photo"], "model": MODEL, "pose": pose_to_json(standing())}
    said = Image.open(io.BytesIO(client.post("/api/download", json=body).content)).text
    assert len(said["posegan:source"]) == 64


def test_a_pose_goes_out_as_openpose_in_the_pixels_of_the_file_and_comes_back(client):
    photo = client.post("/api/photo", content=picture((2560, 1280))).json()
    assert photo["size"] == [640, 1280]
    pose = standing("back")
    body = {"photo": photo["photo"], "pose": pose_to_json(pose)}
    text = client.post("/api/openpose", json=body).text
    (found,) = parse_openpose(text, "test")
    assert torch.allclose(found.xy, pose.resize((640, 1280), (1280, 2560)).xy, atol=0.02)
    assert torch.equal(found.visible, pose.visible)
    person = client.post("/api/person", content=text.encode()).json()["pose"]
    assert [seen for _, _, seen in person] == pose.visible.int().tolist()


def test_other_peoples_poses_are_placed_where_the_person_stands_inside_the_picture(client):
    photo = take_example(client)
    place = f"/api/photo/{photo['photo']}"
    far = pose_to_json(standing("arms-up").resize((128, 64), (900, 450)))
    placed = client.post(f"{place}/place", json={"pose": far}).json()["pose"]
    library = client.get(f"{place}/library").json()
    assert [entry["name"] for entry in library["poses"]] == list(bundled_poses())
    frames = [frame for sequence in library["sequences"] for frame in sequence["frames"]]
    for pose in (placed, *(entry["pose"] for entry in library["poses"]), *frames):
        for x, y, seen in pose:
            assert not seen or (0 <= x <= 63 and 0 <= y <= 127)
    named = next(entry["pose"] for entry in library["poses"] if entry["name"] == "arms-up")
    assert torch.allclose(torch.tensor(placed), torch.tensor(named), atol=1.0)  # whatever size it came in
    assert client.post(f"{place}/place", json={"pose": []}).status_code == 400


def test_nothing_is_placed_before_the_joints_are_known(client):
    photo = client.post("/api/photo", content=picture()).json()
    assert client.get(f"/api/photo/{photo['photo']}/library").status_code == 409


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 415, "no photo"),
        (b"GIF89a", 415, "no photo"),
        (picture((8000, 7000), mode="1"), 413, "million"),
    ],
    ids=["empty", "half a GIF", "56 million pixels"],
)
def test_a_bad_upload_is_refused_in_a_sentence(client, content, status, words):
    answer = client.post("/api/photo", content=content)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_too_large_a_body_is_refused_whether_it_says_its_length_or_not(client, monkeypatch):
    monkeypatch.setattr("posegan.app.server.UPLOAD", 1000)
    for content in (bytes(2000), (bytes(300) for _ in range(9))):
        answer = client.post("/api/photo", content=content)
        assert answer.status_code == 413
        assert "too large" in answer.json()["error"]
    assert client.post("/api/person", content=bytes(requests.MESSAGE + 1)).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/static/../../../../etc/passwd", None, 404),
        ("GET", "/static/%2e%2e/server.py", None, 404),
        ("GET", "/api/photo/unknown", None, 404),
        ("GET", "/api/photo/..%2f..%2fetc%2fpasswd", None, 404),
        ("GET", "/api/photo/x/library", None, 404),
        ("POST", "/api/photo/x/place", b"{}", 404),
        ("POST", "/api/photo/x/find", b"{}", 404),
        ("POST", "/api/examples/99", None, 404),
        ("POST", "/api/examples/one", None, 422),
        ("DELETE", "/api/photo/x", None, 405),
        ("PUT", "/api/photo/x/pose", b"{}", 404),
        ("POST", "/api/download", b"[]", 400),
        ("POST", "/api/openpose", b'{"photo": 3}', 400),
        ("POST", "/api/person", b'{"people": []}', 400),
        ("POST", "/api/person", b"\xff\xff", 400),
    ],
)
def test_every_mistake_has_a_status_and_a_sentence(client, method, path, body, status):
    answer = client.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert "Traceback" not in answer.text


def test_a_fault_of_ours_is_a_sentence_too(studio, monkeypatch):
    monkeypatch.setattr("posegan.app.facts.skeleton", lambda: 1 / 0)
    with TestClient(create_app(studio), base_url=ADDRESS, raise_server_exceptions=False) as client:
        answer = client.get("/api/skeleton")
        assert answer.status_code == 500
        assert answer.json()["error"].endswith(".")
        assert client.get("/api/models").status_code == 200


def test_sessions_do_not_see_each_others_photos(studio):
    app = create_app(studio)
    with TestClient(app, base_url=ADDRESS) as one, TestClient(app, base_url=ADDRESS) as two:
        photo = take_example(one)
        two.get("/")
        assert one.get(f"/api/photo/{photo['photo']}").status_code == 200
        assert two.get(f"/api/photo/{photo['photo']}").status_code == 404
        with two.websocket_connect(LIVE) as socket:
            socket.send_text(wish(photo))
            assert "no longer here" in socket.receive_json()["error"]


def test_one_pages_nonsense_does_not_disturb_another(studio):
    app = create_app(studio)
    with TestClient(app, base_url=ADDRESS) as client:
        photo = take_example(client)
        with client.websocket_connect(LIVE) as bad, client.websocket_connect(LIVE) as good:
            for text in (
                "",
                "{",
                '{"number": 1}',
                wish(photo, models=["nobody"]),
                wish(photo, pose=[[9e4, 0, 1]] * 18),
            ):
                bad.send_text(text)
                assert bad.receive_json()["error"].endswith(".")
                good.send_text(wish(photo))
                assert parts(good.receive_bytes())[0]["number"] == 1


def test_the_number_of_open_pages_is_bounded(studio, monkeypatch):
    monkeypatch.setattr("posegan.app.server.PAGES", 1)
    with TestClient(create_app(studio), base_url=ADDRESS) as client:
        with client.websocket_connect(LIVE), client.websocket_connect(LIVE) as second:
            assert second.receive()["code"] == 1013
        with client.websocket_connect(LIVE) as again:
            again.send_text("x")
            assert again.receive_json()["error"]


class Finder:
    """A detector that sees one person, or nobody in a picture that is wider than high."""

    name = "finder"

    def __call__(self, photo: torch.Tensor) -> People:
        height, width = photo.shape[-2:]
        count = int(height > width)
        pose = Pose.stack([standing().resize((128, 64), (height, width))])[:count]
        return People(pose, torch.ones(count, 18), torch.ones(count), joint_boxes(pose))


def test_a_detector_finds_the_joints_of_an_own_photo(studio):
    with TestClient(create_app(studio, Finder()), base_url=ADDRESS) as client:
        assert client.get("/api/models").json()["detector"] == "finder"
        photo = client.post("/api/photo", content=picture((200, 400))).json()
        assert len(photo["pose"]) == 18
        assert MODEL in photo["boxes"]
        assert client.post("/api/photo", content=picture((400, 200))).json()["pose"] is None


def test_of_several_people_the_one_in_the_box_is_found(studio):
    with TestClient(create_app(studio, Finder()), base_url=ADDRESS) as client:
        photo = client.post("/api/photo", content=picture((400, 200))).json()["photo"]
        box = [250.4, 20, 59.6, 160.5]
        found = client.post(f"/api/photo/{photo}/find", json={"box": box}).json()["pose"]
        wanted = standing().resize((128, 64), (161, 60)).crop(-250, -20)  # the pixels that the box touches
        torch.testing.assert_close(torch.tensor(found)[:, :2], wanted.xy, atol=0.01, rtol=0)
        beyond = client.post(f"/api/photo/{photo}/find", json={"box": [380, -50, 520, 950]})
        assert beyond.status_code == 200  # what lies in the photo counts
        assert all(380 <= x < 400 and 0 <= y < 200 for x, y, seen in beyond.json()["pose"] if seen)
        lying = client.post(f"/api/photo/{photo}/find", json={"box": [0, 0, 100, 50]})
        assert (lying.status_code, lying.json()["error"][:28]) == (422, "Nobody was found in the box:")
        assert client.get(f"/api/photo/{photo}/library").status_code == 409  # the joints are not taken over by that


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (None, "'box' is to be"),
        ([1, 2, 3], "'box' is to be"),
        ([1, 2, 3, "4"], "'box' is to be"),
        ([0, 0, True, 9], "'box' is to be"),
        ([0, 0, 1e9, 9], "'box' is to be"),
        ([50, 50, -40, 90], "does not lie in the photo"),
        ([500, 0, 100, 90], "does not lie in the photo"),
        ([10, 10, 4, 90], "too small to show a person"),
    ],
)
def test_a_box_in_which_nobody_can_be_is_refused(studio, box, words):
    with TestClient(create_app(studio, Finder()), base_url=ADDRESS) as client:
        photo = client.post("/api/photo", content=picture((400, 200))).json()["photo"]
        answer = client.post(f"/api/photo/{photo}/find", json={"box": box})
        assert answer.status_code == 400
        assert words in answer.json()["error"]


def test_without_a_detector_nobody_is_looked_for_in_a_box(client):
    photo = client.post("/api/photo", content=picture()).json()["photo"]
    answer = client.post(f"/api/photo/{photo}/find", json={"box": [0, 0, 40, 60]})
    assert answer.status_code == 409
    assert "by hand" in answer.json()["error"]


def test_of_verdicts_on_a_photo_the_newest_is_made(client, studio, monkeypatch):
    photo, order, answers = take_example(client), [], []
    real, begun, go = Studio.judge, threading.Event(), threading.Event()

    def slow(self, *asked):
        order.append(round(float(asked[2].xy[0, 0] - photo["pose"][0][0])))
        begun.set()
        assert go.wait(20)
        return real(self, *asked)

    monkeypatch.setattr(Studio, "judge", slow)
    monkeypatch.setattr("posegan.inference.finder.builtin", Blind)

    def ask(dx: int):
        pose = [[x + dx, y, seen] for x, y, seen in photo["pose"]]
        answers.append(
            client.post("/api/judge", json={"photo": photo["photo"], "model": MODEL, "pose": pose}).status_code
        )

    threads = [threading.Thread(target=ask, args=(dx,)) for dx in range(4)]
    for thread in threads:
        thread.start()
        assert begun.wait(20)
        time.sleep(0.2)
    go.set()
    for thread in threads:
        thread.join(20)
    assert order == [0, 3]
    assert sorted(answers) == [200, 200, 409, 409]


def test_a_picture_is_judged_when_asked(client, monkeypatch):
    monkeypatch.setattr("posegan.inference.finder.builtin", Blind)
    photo = take_example(client)
    body = {"photo": photo["photo"], "model": MODEL, "pose": photo["pose"]}
    said = client.post("/api/judge", json=body).json()["sentences"]
    assert said[0].startswith("same person: ")
    assert said[1].startswith("pose: ")
    assert client.post("/api/judge", json={**body, "photo": "x"}).status_code == 404
