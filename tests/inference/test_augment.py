"""Re-identification augmentation: who is multiplied, what is written, and that a stopped run goes on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.data import MarketPoseDataset
from posegan.detect import People
from posegan.errors import UserError
from posegan.identity import IdentityEmbedding
from posegan.images import to_bytes, to_signed, write_png
from posegan.inference import augment as module
from posegan.inference.allowed_people import AllowedPeople, allowed_people
from posegan.inference.augment import augment, plan
from posegan.inference.picture_score import EmbeddingSimilarity, Pictures, PoseAgreement
from posegan.inference.predictor import Predictor
from posegan.lock import sole_writer
from posegan.people import market_identity
from posegan.pose import Pose, load_annotations, save_annotations
from tests.small_world import SIZE, Blind, photo, standing


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Market-1501 folder of twelve people, one of whom is for validation, and three test people."""
    root = tmp_path_factory.mktemp("crowd")
    for part, people in (("train", range(1, 13)), ("test", range(21, 24))):
        annotations = {}
        for person in people:
            for i, name in enumerate(("front", "back")):
                file = f"{person:04d}_c1s1_00000{i}_00.png"
                write_png(root / f"bounding_box_{part}" / file, photo(person, standing(name)))
                annotations[file] = standing(name)
        save_annotations(root / f"market-annotation-{part}.csv", annotations)
    return root


def held_out(crowd: Path) -> str:
    everybody = {f"{person:04d}" for person in range(1, 13)}
    (person,) = everybody - allowed_people(crowd, SIZE).people.keys()
    return person


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Redness:
    """A score that anybody could plug in."""

    name = "redness"

    def __call__(self, pictures: Pictures) -> Tensor:
        assert pictures.images.dtype == torch.uint8
        assert pictures.images.shape == pictures.sources.shape
        assert len(pictures.names) == len(pictures.poses)
        return pictures.images[:, 0].float().mean((1, 2))


def test_the_folder_is_a_market_folder(predictor: Predictor, crowd: Path, tmp_path: Path) -> None:
    made = augment(predictor, crowd, tmp_path / "out", count=3, batch_size=5)
    assert (made.pictures, made.people, made.dropped) == (33, 11, 0)
    files = sorted(file.name for file in (tmp_path / "out" / "bounding_box_train").iterdir())
    rows = manifest(tmp_path / "out")
    assert files == sorted(row["picture"] for row in rows)
    assert load_annotations(tmp_path / "out" / "market-annotation-train.csv").keys() == set(files)
    for row in rows:
        people = [market_identity(row[column]) for column in ("picture", "source", "pose_donor")]
        assert people[0] == people[1] == row["person"]
        assert people[2] != row["person"]
        assert row["weights_sha256"] == predictor.sha256
    dataset = MarketPoseDataset(tmp_path / "out", "train+validation")
    assert len(dataset.pairs) == 11 * 6
    assert held_out(crowd) not in {row["person"] for row in rows} | {market_identity(r["pose_donor"]) for r in rows}


def test_a_picture_is_the_predictors_and_says_so(predictor: Predictor, crowd: Path, tmp_path: Path) -> None:
    augment(predictor, crowd, tmp_path / "out", count=1, retarget=False)
    row = manifest(tmp_path / "out")[0]
    file = tmp_path / "out" / "bounding_box_train" / row["picture"]
    rows = load_annotations(crowd / "market-annotation-train.csv")
    with Image.open(crowd / "bounding_box_train" / row["source"]) as source:
        picture = torch.tensor(list(source.tobytes()), dtype=torch.uint8).view(*SIZE, 3).permute(2, 0, 1)
    poses = [Pose.stack([rows[row[column]]]) for column in ("source", "pose_donor")]
    wanted = to_bytes(predictor.repose(to_signed(picture)[None], *poses))[0].float()
    with Image.open(file) as found:
        made = torch.tensor(list(found.convert("RGB").tobytes()), dtype=torch.uint8).view(*SIZE, 3).permute(2, 0, 1)
        said = json.loads(found.info["comment"])
        assert found.format == "JPEG"
        assert found.getexif()[0x010E].startswith("AI-generated")
    assert float((made.float() - wanted).abs().mean()) < 12  # an untrained network's noise, through JPEG
    assert said["posegan:source"] == row["source"]
    assert said["posegan:pose-donor"] == row["pose_donor"]
    assert said["posegan:weights-sha256"] == predictor.sha256
    augment(predictor, crowd, tmp_path / "bare", count=1, metadata=False)
    with Image.open(tmp_path / "bare" / "bounding_box_train" / row["picture"]) as found:
        assert "comment" not in found.info
        assert not found.getexif()


def test_the_guard(predictor: Predictor, crowd: Path, tmp_path: Path) -> None:
    person = held_out(crowd)
    with pytest.raises(UserError, match=f"{person} is a validation person: leave them out, or take the split"):
        augment(predictor, crowd, tmp_path / "a", people=[person])
    with pytest.raises(UserError, match="0021 is a test person and is never augmented"):
        augment(predictor, crowd, tmp_path / "a", people=["0001", "0021"], split="train+validation")
    with pytest.raises(UserError, match="no training photo of a person '0099'"):
        augment(predictor, crowd, tmp_path / "a", people=["0099"])
    made = augment(predictor, crowd, tmp_path / "b", people=[person], split="train+validation", count=2)
    assert (made.pictures, made.people) == (2, 1)
    assert not (tmp_path / "a" / "manifest.csv").exists()


def test_a_test_person_among_the_training_photos(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    annotations = load_annotations(market / "market-annotation-train.csv")
    name = "0011_c9s9_000009_00.png"
    write_png(market / "bounding_box_train" / name, photo(1, standing()))
    save_annotations(market / "market-annotation-train.csv", annotations | {name: standing()})
    with pytest.raises(UserError, match=f"{name} is a training photo of the test person 0011"):
        augment(predictor, market, tmp_path / "out")


def test_the_last_guard_does_not_trust_the_plan(
    predictor: Predictor, crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = plan

    def wrong(found: AllowedPeople, *rest: object) -> list[module.Job]:
        jobs = honest(found, *rest)  # type: ignore[arg-type]
        stranger = found.dataset.names.index(f"{held_out(crowd)}_c1s1_000000_00.png")
        return [module.Job(jobs[0].picture, jobs[0].person, jobs[0].source, stranger)]

    monkeypatch.setattr(module, "plan", wrong)
    with pytest.raises(ValueError, match="somebody who is not allowed"):
        augment(predictor, crowd, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_scores_are_kept_and_bad_pictures_dropped(predictor: Predictor, crowd: Path, tmp_path: Path) -> None:
    augment(predictor, crowd, tmp_path / "all", count=2, scores=[Redness()])
    scores = {row["picture"]: float(row["redness"]) for row in manifest(tmp_path / "all")}
    threshold = sorted(scores.values())[11]
    made = augment(predictor, crowd, tmp_path / "good", count=2, scores=[Redness()], least={"redness": threshold})
    good = {name for name, score in scores.items() if score >= threshold}
    assert made.dropped == 22 - made.pictures
    assert abs(made.pictures - len(good)) <= 1  # the manifest rounds
    rows = manifest(tmp_path / "good")
    assert len(rows) == 22
    kept = {row["picture"] for row in rows if row["kept"] == "yes"}
    assert kept == {file.name for file in (tmp_path / "good" / "bounding_box_train").iterdir()}
    assert kept == load_annotations(tmp_path / "good" / "market-annotation-train.csv").keys()
    with pytest.raises(UserError, match="Unknown score 'rednes'; did you mean 'redness'"):
        augment(predictor, crowd, tmp_path / "c", scores=[Redness()], least={"rednes": 1})


def test_a_stopped_run_goes_on(
    predictor: Predictor, crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    augment(predictor, crowd, tmp_path / "whole", count=2, batch_size=4)
    honest, calls = module.write_jpeg, []

    def stopping(path: Path, *rest: object) -> None:
        calls.append(path)
        if len(calls) == 7:
            raise KeyboardInterrupt
        honest(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "write_jpeg", stopping)
    with pytest.raises(KeyboardInterrupt):
        augment(predictor, crowd, tmp_path / "cut", count=2, batch_size=4)
    assert len(manifest(tmp_path / "cut")) == 4
    with (tmp_path / "cut" / "manifest.csv").open("a") as file:
        file.write("0009_c1s1_0000")  # as a power cut leaves it
    made = augment(predictor, crowd, tmp_path / "cut", count=2, batch_size=4)
    assert made.pictures == 22
    assert len(calls) == 7 + 18
    files = sorted(p.relative_to(tmp_path / "whole") for p in (tmp_path / "whole").rglob("*.*"))
    assert files == sorted(p.relative_to(tmp_path / "cut") for p in (tmp_path / "cut").rglob("*.*"))
    for name in files:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    again = augment(predictor, crowd, tmp_path / "cut", count=2)
    assert again == made
    assert len(calls) == 25
    more = augment(predictor, crowd, tmp_path / "cut", count=3)  # more of the same
    assert more.pictures == 33


def test_other_settings_do_not_mix(predictor: Predictor, crowd: Path, tmp_path: Path) -> None:
    augment(predictor, crowd, tmp_path / "out", count=1, people=["0001"])
    with pytest.raises(UserError, match="made with seed 0 instead of with seed 1: give another folder"):
        augment(predictor, crowd, tmp_path / "out", count=1, seed=1)
    with pytest.raises(UserError, match=r"made without scores instead of with scores"):
        augment(predictor, crowd, tmp_path / "out", count=1, scores=[Redness()])
    with pytest.raises(UserError, match=r"made with fitted limb lengths instead of without"):
        augment(predictor, crowd, tmp_path / "out", count=1, retarget=False)
    scores = [PoseAgreement(Blind())]
    augment(predictor, crowd, tmp_path / "scored", count=1, people=["0001"], scores=scores)
    with pytest.raises(UserError, match=r"made without a least (\w+) instead of with a least \1 0\.9: give"):
        augment(predictor, crowd, tmp_path / "scored", count=1, scores=scores, least={scores[0].name: 0.9})
    (tmp_path / "out" / "augment.json").write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        augment(predictor, crowd, tmp_path / "out", count=1)
    with pytest.raises(UserError, match="lies in the data set"):
        augment(predictor, crowd, crowd / "more", count=1)


def test_a_call_for_other_people_keeps_what_is_there(predictor: Predictor, crowd: Path, tmp_path: Path) -> None:
    first, second = list(allowed_people(crowd, SIZE).people)[:2]
    poses = []
    for person in (first, second):
        augment(predictor, crowd, tmp_path / "a", count=2, people=[person])
        poses.append(load_annotations(tmp_path / "a" / "market-annotation-train.csv"))
    assert [len(found) for found in poses] == [2, 4]
    assert all(torch.equal(poses[1][name].xy, pose.xy) for name, pose in poses[0].items())


def test_two_do_not_write_into_one_folder_and_nobodys_annotations_are_lost(
    predictor: Predictor, crowd: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with sole_writer(out), pytest.raises(UserError, match="out is in use by another run .* another place"):
        augment(predictor, crowd, out, count=1, people=["0001"])
    (out / "market-annotation-train.csv").write_text("somebody's own")
    with pytest.raises(UserError, match="holds market-annotation-train.csv of another data set, which would be lost"):
        augment(predictor, crowd, out, count=1, people=["0001"])
    assert [file.name for file in out.iterdir()] == ["market-annotation-train.csv"]
    assert (out / "market-annotation-train.csv").read_text() == "somebody's own"


def test_a_plan_depends_on_nothing_but_seed_person_and_number(crowd: Path) -> None:
    found = allowed_people(crowd, SIZE)
    everybody = plan(found, list(found.people), 5, 0)
    some = plan(found, ["0003", "0001"], 2, 0)
    assert set(some) <= set(everybody)
    assert len({job.picture for job in everybody}) == len(everybody) == 55
    other = plan(found, list(found.people), 5, 1)
    assert sum(a.donor != b.donor for a, b in zip(everybody, other, strict=True)) > 40
    donors = {found.dataset.names[job.donor][:4] for job in everybody}
    assert len(donors) > 8  # of eleven


def test_a_folder_of_people(predictor: Predictor, people: Path, tmp_path: Path) -> None:
    made = augment(predictor, people, tmp_path / "out", count=2)
    rows = manifest(tmp_path / "out")
    assert made.pictures == len(rows)
    for row in rows:
        assert (tmp_path / "out" / row["picture"]).is_file()
        assert row["picture"].startswith(f"{row['person']}/")
        assert not row["pose_donor"].startswith(f"{row['person']}/")
    assert load_annotations(tmp_path / "out" / "annotations.csv").keys() == {row["picture"] for row in rows}
    with pytest.raises(UserError, match="has the layout 'synthetic'"):
        augment(predictor, "synthetic", tmp_path / "b")


def test_pose_agreement() -> None:
    wanted = Pose.stack([standing(), standing("back"), standing()])

    class Half:
        """Finds the first person right, the second 3 px off but for the legs, and nobody in the third picture."""

        name = "half"

        def __call__(self, picture: Tensor) -> People:
            number = int(picture[0, 0, 0])
            if number == 2:
                return People(Pose(torch.zeros(0, 18, 2), torch.zeros(0, 18) > 0), *[torch.zeros(0)] * 3)
            xy = wanted.xy[number].clone()
            if number == 1:
                xy += 3
                xy[[9, 10, 12, 13]] += 20
            return People(Pose(xy[None], wanted.visible[number][None]), *[torch.ones(1)] * 3)

    images = torch.arange(3, dtype=torch.uint8)[:, None, None, None].expand(3, 3, *SIZE)
    found = PoseAgreement(Half())(Pictures(images, images, wanted, wanted, ["a", "b", "c"]))
    joints = int(wanted.visible[1].sum())
    torch.testing.assert_close(found, torch.tensor([1.0, (joints - 4) / joints, 0.0]))
    headless = Pose(wanted.xy, wanted.visible & (torch.arange(18) != 8))
    assert PoseAgreement(Half())(Pictures(images, images, headless, headless, ["a", "b", "c"])).isnan().all()


def test_embedding_similarity() -> None:
    """A picture is like its own source photo, less like another; without a joint in it there is nothing to compare."""
    poses = Pose.stack([standing(), standing(), standing()])
    images = torch.stack([photo(seed, standing()) for seed in (1, 2, 1)])
    sources = images[[0, 0, 0]]
    wanted = Pose(poses.xy, poses.visible & torch.tensor([True, True, False])[:, None])
    found = EmbeddingSimilarity(IdentityEmbedding.load())(Pictures(images, sources, poses, wanted, ["a", "a", "a"]))
    assert found[0] == pytest.approx(1, abs=1e-4)
    assert found[1] < 0.9
    assert found[2].isnan()
