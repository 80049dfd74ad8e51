from pathlib import Path

import pytest
import torch

from posegan.data import DecodedPhotos, MarketPoseDataset, NoPairsError, PackedPhotos, pack_photos, write_pairs
from posegan.errors import UserError

from .tiny import make_market, market_names


def people_in(data: MarketPoseDataset) -> set[str]:
    return {name[:4] for pair in data.pair_names() for name in pair}


def test_splits_share_no_person_and_cover_all(market: Path):
    train, validation, both = (MarketPoseDataset(market, s) for s in ("train", "validation", "train+validation"))
    assert len(people_in(validation)) == 1 and len(people_in(train)) == 11
    assert people_in(train) | people_in(validation) == people_in(both)
    assert len(train) + len(validation) == len(both) == 72
    assert train.report.totals == {"people": 11, "photos": 36, "pairs": 66}


def test_the_other_spelling_of_the_folders(tmp_path: Path):
    root = make_market(tmp_path)
    (root / "bounding_box_train").rename(root / "train")
    assert len(MarketPoseDataset(root, "train+validation")) == 18


def test_the_test_split_has_the_published_pairs(tmp_path: Path):
    root, names = make_market(tmp_path, part="test"), market_names()
    with pytest.raises(UserError, match=r"market-pairs-test\.csv"):
        MarketPoseDataset(root, "test")
    pairs = [(names[1], names[0]), (names[8], names[7])]
    write_pairs(root / "market-pairs-test.csv", pairs)
    assert MarketPoseDataset(root, "test").pair_names() == pairs


def test_pairs_of_a_file_replace_those_of_the_split(market: Path, tmp_path: Path):
    names = market_names()
    write_pairs(tmp_path / "mine.csv", [(names[0], names[1]), (names[0], "gone.jpg"), (names[5], names[4])])
    data = MarketPoseDataset(market, "train", pairs=tmp_path / "mine.csv")
    assert data.pair_names() == [(names[0], names[1]), (names[5], names[4])]
    assert data.report.counts == {"listed pairs without photo or annotation, left out": 1}


def test_a_pack_stands_in_for_the_folder(tmp_path: Path):
    root = make_market(tmp_path / "market")
    plain = MarketPoseDataset(root, "train+validation").batch(torch.arange(18))
    pack_photos(root / "bounding_box_train", tmp_path / "elsewhere.pack")
    given = MarketPoseDataset(root, "train+validation", pack=tmp_path / "elsewhere.pack", memory=0)
    assert isinstance(given.photos, PackedPhotos)
    (tmp_path / "elsewhere.pack").rename(root / "train.pack")
    for photo in (root / "bounding_box_train").iterdir():
        photo.unlink()
    (root / "bounding_box_train").rmdir()
    found = MarketPoseDataset(root, "train+validation")
    assert isinstance(found.photos, DecodedPhotos)
    for _ in range(2):
        assert torch.equal(found.batch(torch.arange(18)).source_image, plain.source_image)


@pytest.mark.parametrize(
    ("gone", "message"),
    [("bounding_box_train", r"Photos not found.*train\.pack"), ("market-annotation-train.csv", "Keypoints not found")],
)
def test_missing_pieces_are_named_with_the_remedy(tmp_path: Path, gone: str, message: str):
    root = make_market(tmp_path)
    (root / gone).rename(root / "hidden")
    with pytest.raises(UserError, match=message) as caught:
        MarketPoseDataset(root)
    assert gone in str(caught.value)


def test_a_given_pack_that_is_missing_is_named(market: Path):
    with pytest.raises(UserError, match=r"no\.pack cannot be opened"):
        MarketPoseDataset(market, pack="no.pack")


def test_unknown_splits_name_the_nearest(market: Path):
    with pytest.raises(UserError, match="validation"):
        MarketPoseDataset(market, "validaton")  # type: ignore[arg-type]


def test_too_few_people_for_a_validation_split(tmp_path: Path):
    root = make_market(tmp_path)
    with pytest.raises(NoPairsError, match=r"3 people .* too few"):
        MarketPoseDataset(root, "validation")
    assert len(MarketPoseDataset(root, "train")) == 18
