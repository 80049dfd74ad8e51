"""Pose files and foreign arrays: round trips, and each sentence that a user may get to read."""

import json
import re

import numpy as np
import pytest
import torch

from posegan.errors import UserError
from posegan.pose import COCO18, Pose, from_coco17, load_annotations, read_openpose, save_annotations, write_openpose

from .people import random_people, without
from .test_pose import same

HEADER = "name:keypoints_y:keypoints_x"
YS, XS = list(range(18)), list(range(100, 118))


def write(path, *rows, header=HEADER):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_row_is_y_first_and_either_minus_one_means_missing(tmp_path):
    ys, xs = YS.copy(), XS.copy()
    ys[3], xs[4], ys[5] = -1, -1, -7
    loaded = load_annotations(write(tmp_path / "a.csv", f"a.jpg: {ys}: {xs}", "", f"b.jpg:{YS}:{XS}"))
    assert list(loaded) == ["a.jpg", "b.jpg"]
    pose = loaded["a.jpg"]
    assert pose.xy[2].tolist() == [102, 2]
    assert pose.visible.logical_not().nonzero().flatten().tolist() == [3, 4]
    assert pose.xy[5].tolist() == [105, -7]  # outside the photo, not missing


def test_annotations_come_back_rounded(tmp_path):
    people = random_people(5, 0)
    annotations = {f"Zoë {i}: x.jpg": people[i] for i in range(5)}
    save_annotations(tmp_path / "a.csv", annotations)
    loaded = load_annotations(tmp_path / "a.csv")
    assert list(loaded) == list(annotations)
    for name, pose in annotations.items():
        assert same(loaded[name], Pose(pose.xy.round(), pose.visible), 0)
    save_annotations(tmp_path / "b.csv", loaded)
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_a_joint_at_minus_one_stays_visible(tmp_path):
    pose = Pose(torch.full((18, 2), -0.8), torch.ones(18))
    save_annotations(tmp_path / "a.csv", {"a.jpg": pose})
    loaded = load_annotations(tmp_path / "a.csv")["a.jpg"]
    assert loaded.visible.all()
    assert (loaded.xy == -2).all()


def test_an_empty_table_is_empty(tmp_path):
    assert load_annotations(write(tmp_path / "a.csv")) == {}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (f"a.jpg: {YS}", "a row should be 'name: [18 y]: [18 x]'"),
        (f" : {YS}: {XS}", "a row should be 'name: [18 y]: [18 x]'"),
        (f"a.jpg: {YS[1:]}: {XS}", "the y list has 17 numbers instead of 18"),
        (f"a.jpg: {YS}: {[*XS, 1]}", "the x list has 19 numbers instead of 18"),
        (f"a.jpg: {YS}: 1 2 3", "the x list is not a list of numbers"),
        (f"a.jpg: {YS}: 5", "the x list is not a list of numbers"),
        (f"a.jpg: {json.dumps([*YS[1:], 'x'])}: {XS}", "the y list is not a list of numbers"),
        (f"a.jpg: {json.dumps([*YS[1:], True])}: {XS}", "the y list is not a list of numbers"),
        (f"a.jpg: {json.dumps([*YS[1:], float('nan')])}: {XS}", "the y list is not a list of numbers"),
        (f"a.jpg: {json.dumps([*YS[1:], 10**400])}: {XS}", "the y list is not a list of numbers"),
        (f"good.jpg: {YS}: {XS}", "'good.jpg' comes twice, first in line 2"),
    ],
)
def test_a_bad_row_stops_with_file_and_line_or_is_reported_and_skipped(tmp_path, row, sentence):
    path = write(tmp_path / "a.csv", f"good.jpg: {YS}: {XS}", row, f"last.jpg: {YS}: {XS}")
    expected = f"{path}, line 3: {sentence}; mend or delete the row."
    with pytest.raises(UserError, match=re.escape(expected)):
        load_annotations(path)
    skipped: list[str] = []
    assert list(load_annotations(path, skipped)) == ["good.jpg", "last.jpg"]
    assert skipped == [expected]


def test_files_that_are_no_annotations_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.csv cannot be opened \(No such file or directory\)"):
        load_annotations(tmp_path / "none.csv")
    for header in ("", "from,to"):
        with pytest.raises(UserError, match=r"a\.csv, line 1: the header should be 'name:keypoints_y:keypoints_x'"):
            load_annotations(write(tmp_path / "a.csv", header=header))
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"a\.csv is not UTF-8 text"):
        load_annotations(tmp_path / "a.csv")


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path):
    (tmp_path / "a.csv").write_text(f"{HEADER}\r\na.jpg: {YS}: {XS}\r\n", encoding="utf-8-sig")
    assert list(load_annotations(tmp_path / "a.csv")) == ["a.jpg"]


def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path):
    people = random_people(2, 1)
    for name, why in {
        "": "is empty",
        "a\nb.jpg": "has a line",
        " a.jpg": "has spaces",
        "b\udcff.jpg": "is not",
    }.items():
        with pytest.raises(UserError, match=rf"cannot stand in .*a\.csv, it {why}.*: rename it"):
            save_annotations(tmp_path / "a.csv", {name: people[0]})
    with pytest.raises(ValueError, match=r"'a' has batch shape \(2,\)"):
        save_annotations(tmp_path / "a.csv", {"a": people})
    with pytest.raises(ValueError, match=r"single poses, got batch shape \(2,\)"):
        write_openpose(tmp_path / "a.json", [people])
    assert not list(tmp_path.iterdir())


def test_openpose_files_come_back_as_they_were(tmp_path):
    people = random_people(3, 2)
    write_openpose(tmp_path / "a.json", [people[i] for i in range(3)])
    loaded = read_openpose(tmp_path / "a.json")
    assert len(loaded) == 3
    assert same(Pose.stack(loaded), people, 0)
    write_openpose(tmp_path / "a.json", [])
    assert read_openpose(tmp_path / "a.json") == []


def test_body_25_leaves_out_the_mid_hip_and_the_feet(tmp_path):
    joints = [[10.0 * i, i, 0.04 if i == 9 else 0.9] for i in range(25)]
    person = {"pose_keypoints_2d": [v for joint in joints for v in joint]}
    (tmp_path / "a.json").write_text(json.dumps({"version": 1.3, "people": [person, person]}))
    first, second = read_openpose(tmp_path / "a.json")
    assert same(first, second)
    assert first.xy[:, 1].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    assert first.visible.logical_not().nonzero().flatten().tolist() == [8]  # the right hip, BODY_25's joint 9
    assert read_openpose(tmp_path / "a.json", threshold=0.01)[0].visible.all()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no json", "a.json is no OpenPose JSON file: it should hold an object with a list 'people'"),
        ("[1]", "a.json is no OpenPose JSON file"),
        ('{"people": 3}', "a.json is no OpenPose JSON file"),
        ('{"people": [{}]}', "a.json, person 1: 'pose_keypoints_2d' should be 75 (BODY_25) or 54 (COCO) numbers"),
        ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', "a.json, person 1: 'pose_keypoints_2d' should be 75"),
        ('{"people": [7]}', "a.json, person 1: 'pose_keypoints_2d' should be 75"),
    ],
)
def test_files_that_are_no_openpose_are_named(tmp_path, text, sentence):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=re.escape(sentence)):
        read_openpose(tmp_path / "a.json")


def test_coco_keypoints_are_reordered_and_the_neck_is_between_the_shoulders():
    coco = ["nose"]
    for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        coco += [f"left_{part}", f"right_{part}"]
    xy = np.stack([np.arange(17) * 2.0, np.arange(17) * 3.0], -1)
    pose = from_coco17(xy[::-1][::-1], np.ones(17))
    for i, name in enumerate(COCO18.joints):
        if name == "neck":
            assert pose.xy[i].tolist() == ((xy[5] + xy[6]) / 2).tolist()
        else:
            assert pose.xy[i].tolist() == xy[coco.index(name)].tolist()


def test_coco_joints_below_the_threshold_are_missing_and_a_shoulder_takes_the_neck_with_it():
    scores = torch.full((2, 17), 0.5)
    scores[1, 5] = 0.29
    pose = from_coco17(torch.ones(2, 17, 2), scores)
    assert pose.visible[0].all()
    assert pose.visible[1].logical_not().nonzero().flatten().tolist() == [1, 5]
    assert without(pose, 1, 5).visible.sum() == 32
    assert from_coco17(np.full((17, 2), np.nan), np.ones(17)).visible.sum() == 0
    with pytest.raises(ValueError, match=r"COCO keypoints need xy \(\.\.\., 17, 2\)"):
        from_coco17(torch.ones(18, 2), torch.ones(18))


@pytest.mark.data
def test_the_market_annotations_load_whole(market_root):
    annotations = load_annotations(market_root / "market-annotation-train.csv")
    assert len(annotations) == 12_936
    valid = int(Pose.stack(list(annotations.values())).valid.sum())
    assert valid == 12_116
