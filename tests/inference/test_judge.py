"""Verdicts on generated pictures: what they look at, what they say, and where that is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.detect import People
from posegan.detect.base import joint_boxes
from posegan.identity import IdentityEmbedding
from posegan.inference import judge as judging
from posegan.inference.generate import generate_file, generate_pairs
from posegan.inference.judge import Judge, Judgement, agreement, pose_offset
from posegan.inference.predictor import Predictor
from posegan.pose import Pose
from posegan.pose.retarget import FACE
from posegan.weights import WeightsInfo
from tests.small_world import Blind, photo, standing


class Knows:
    """A detector that answers a pose, whatever it is shown."""

    name = "knows"

    def __init__(self, pose: Pose) -> None:
        self.pose, self.shown = Pose.stack([pose]), []

    def __call__(self, photo: Tensor) -> People:
        self.shown.append(photo)
        return People(self.pose, torch.ones(1, 18), torch.ones(1), joint_boxes(self.pose))


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: {"as_asked": 0.03, "doubtful": 0.1} for name in ("knows", "blind")}
    monkeypatch.setattr(judging, "_limits", lambda: known)


@pytest.fixture(scope="module")
def embedding() -> IdentityEmbedding:
    return IdentityEmbedding.load()


def test_offsets_are_shares_of_the_body() -> None:
    pose = standing()
    height = float((pose.xy.amax(0) - pose.xy.amin(0)).amax())
    assert pose_offset(pose, pose) == 0
    assert pose_offset(pose.crop(3, 4), pose) == pytest.approx(5 / height)
    few = torch.arange(18) < 6
    assert pose_offset(Pose(pose.xy, few), pose) == float("inf")
    assert pose_offset(Pose(pose.xy, few), Pose(pose.xy, few)) == 0  # joints that nobody asked for do not count


def test_agreement_in_words(limits: None) -> None:
    assert [agreement("knows", o) for o in (0.03, 0.05, 0.2, float("inf"))] == [
        "as asked", "doubtful", "not as asked", "not as asked",
    ]  # fmt: skip
    assert agreement("another", 0.0) is None


def test_the_limits_that_ship_are_in_order() -> None:
    for limits in judging._limits().values():
        assert 0 < limits["median"] < limits["as_asked"] < limits["doubtful"] < 1


def test_a_picture_is_judged_by_its_person(limits: None, embedding: IdentityEmbedding) -> None:
    image, pose = photo(1, standing()), standing()
    said = Judge(embedding, Knows(pose))(image, pose, image, pose)
    assert said.similarity == pytest.approx(1, abs=1e-4)
    assert said.sentences() == {
        "person": "same person: likely (similarity 1.00)",
        "pose": "pose: as asked (joints 0.0 % of the body's height off)",
    }
    walking = standing("walking")
    assert Judge(None, Knows(pose))(image, pose, image, walking).pose == "not as asked"
    lost = Judge(None, Blind())(image, pose, image, pose)
    assert lost.sentences() == {"pose": "pose: not as asked (most joints not found)"}
    assert lost.values() == {
        "similarity": None,
        "person": None,
        "pose_offset": None,
        "pose": "not as asked",
        "joints_outside": 0,
    }
    assert Judgement().sentences() == {}


def test_photos_of_any_size_are_cut_around_the_person(limits: None, embedding: IdentityEmbedding) -> None:
    pose = standing().resize((128, 64), (400, 200)).crop(-300, -100)
    large, knows = photo(1, pose, (600, 800)), Knows(standing())
    said = Judge(embedding, knows)(large, pose, large, pose)
    assert knows.shown[0].shape == (3, 128, 64)
    assert said.similarity == pytest.approx(1, abs=1e-4)
    assert said.offset is not None and said.offset < 0.2


@pytest.mark.parametrize(("lost", "verdict"), [((4, 7), "as asked"), (FACE, "doubtful"), ((3, 4, 7, 10), "doubtful")])
def test_what_lies_outside_the_picture_is_not_as_asked(lost: tuple[int, ...], verdict: str, limits: None) -> None:
    """Two hands may; a head, or more than a fifth of the joints, may not, though all that is seen is right."""
    image, pose = photo(1, standing()), standing()
    asked = pose.xy.clone()
    asked[list(lost), 1] -= 300
    said = Judge(None, Knows(pose))(image, pose, image, Pose(asked, pose.visible))
    assert (said.pose, said.outside) == (verdict, len(lost))
    assert said.sentences()["pose"].endswith(f", {len(lost)} outside the picture)")


def test_an_uncalibrated_detector_gives_its_number() -> None:
    image, pose = photo(1, standing()), standing()
    said = Judge(None, Knows(pose.crop(0, 5)))(image, pose, image, pose)
    assert said.pose is None
    assert said.sentences()["pose"].startswith("pose: not known for this detector (joints ")


def test_weights_of_synthetic_people_go_with_no_research_network(blind: None) -> None:
    assert Judge.beside(WeightsInfo("posegan", {}, data="synthetic"), Blind()).embedding is None
    assert Judge.beside(WeightsInfo("posegan", {}, data="Market-1501"), Blind()).embedding is not None
    assert Judge.beside(None).detector is not None


def test_verdicts_stand_in_the_files(
    limits: None, embedding: IdentityEmbedding, weights: Path, market: Path, tmp_path: Path
) -> None:
    predictor, judge = Predictor.load(weights, "cpu"), Judge(embedding, Knows(standing()))
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    for options in ({}, {"paste": True}):
        made = generate_file(predictor, source, "front", tmp_path / "a.png", judge=judge, **options)
        assert made.judgement is not None and made.judgement.person is not None
        with Image.open(tmp_path / "a.png") as picture:
            assert picture.info["posegan:person"] == made.judgement.sentences()["person"]
            assert picture.info["posegan:pose"].startswith("pose: ")
    made_pairs = generate_pairs(predictor, market, market / "market-pairs-test.csv", tmp_path / "out", judge=judge)
    assert sum(made_pairs.verdicts["person"].values()) == sum(made_pairs.verdicts["pose"].values()) == 6
    scores = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8"))
    assert set(scores) == {file.stem for file in (tmp_path / "out").glob("*.png")}
    assert all(-1 <= row["similarity"] <= 1 for row in scores.values())
