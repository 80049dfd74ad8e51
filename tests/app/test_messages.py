"""What a browser sends becomes values, or a sentence."""

import json

import pytest
import torch

from posegan.app.messages import parse_pose, parse_wish, pose_to_json
from posegan.app.refusal import RefusedError
from tests.small_world import standing

JOINTS = [[1.5, 2, 1]] * 18


def wish(**changes):
    return json.dumps({"number": 3, "photo": "abc", "models": ["a", "b", "a"], "pose": JOINTS} | changes)


def test_a_wish_is_read():
    read = parse_wish(wish())
    assert (read.number, read.photo, read.models) == (3, "abc", ("a", "b"))
    assert read.pose.visible.all()
    assert torch.equal(read.pose.xy, torch.tensor([[1.5, 2.0]] * 18))
    assert read.others == ()
    assert parse_wish(wish(others=["b", "c", "b"])).others == ("b", "c")


def test_a_pose_survives_the_way_there_and_back():
    pose = standing("back")
    again = parse_pose(json.loads(json.dumps(pose_to_json(pose))))
    assert torch.equal(again.visible, pose.visible)
    assert not pose.visible.all()
    assert torch.equal(again.xy, pose.xy)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", b"\xff\xfe\x00", "[" * 100_000, '{"number": NaN'])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(RefusedError, match="no JSON object"):
        parse_wish(text)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"number": -1}, "number"),
        ({"number": "1"}, "number"),
        ({"number": True}, "number"),
        ({"number": 2**60}, "number"),
        ({"photo": None}, "photo"),
        ({"photo": "x" * 999}, "photo"),
        ({"others": "b"}, "others"),
        ({"others": None}, "others"),
        ({"others": ["b", 3]}, "others"),
        ({"others": list("bcdefghi")}, "at most 7"),
        ({"models": []}, "models"),
        ({"models": "a"}, "models"),
        ({"models": [1]}, "models"),
        ({"models": ["a"] * 99}, "models"),
        ({"pose": None}, "pose"),
        ({"pose": JOINTS[1:]}, "18 joints"),
        ({"pose": [[0, 0, None]] * 18}, "18 joints"),
        ({"pose": [[0, 0]] * 18}, "18 joints"),
        ({"pose": [[float("nan"), 0, 1]] * 18}, "18 joints"),
        ({"pose": [[1e9, 0, 1]] * 18}, "18 joints"),
        ({"pose": [[float("inf"), 0, 1]] * 18}, "18 joints"),
        ({"pose": [[10**400, 0, 1]] * 18}, "18 joints"),
        ({"pose": [[0, 0, -(10**400)]] * 18}, "18 joints"),
    ],
)
def test_a_field_that_is_not_as_agreed_is_named(changes, word):
    with pytest.raises(RefusedError, match=word):
        parse_wish(wish(**changes))
