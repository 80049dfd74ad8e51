import hashlib
from pathlib import Path

import pytest
import torch

from posegan.data.pairs import (
    fixed_pairs,
    make_pairs,
    read_pairs,
    split_pairs,
    validation_identities,
    write_pairs,
)
from posegan.errors import UserError
from posegan.people import deepfashion_identity, identity_of, market_identity
from posegan.pose import Pose

SEEN = Pose(torch.ones(18, 2), torch.ones(18, dtype=torch.bool))
NO_HIP = Pose(torch.ones(18, 2), torch.arange(18) != 8)


def test_pairs_are_all_ordered_pairs_of_a_person_in_annotation_order():
    names = ["0002_b.jpg", "0007_a.jpg", "0002_a.jpg", "0002_c.jpg", "0007_b.jpg"]
    assert make_pairs(dict.fromkeys(names, SEEN)) == [
        ("0002_b.jpg", "0002_a.jpg"), ("0002_b.jpg", "0002_c.jpg"), ("0002_a.jpg", "0002_b.jpg"),
        ("0002_a.jpg", "0002_c.jpg"), ("0002_c.jpg", "0002_b.jpg"), ("0002_c.jpg", "0002_a.jpg"),
        ("0007_a.jpg", "0007_b.jpg"), ("0007_b.jpg", "0007_a.jpg"),
    ]  # fmt: skip


def test_distractors_and_people_without_a_torso_are_in_no_pair():
    names = ["0000_a.jpg", "0000_b.jpg", "-1_a.jpg", "-1_b.jpg", "0003_a.jpg", "0003_b.jpg"]
    annotations = dict.fromkeys(names, SEEN) | {"0003_c.jpg": NO_HIP}
    assert make_pairs(annotations) == [("0003_a.jpg", "0003_b.jpg"), ("0003_b.jpg", "0003_a.jpg")]
    assert make_pairs({}) == []


def test_identities_of_the_three_kinds_of_names():
    assert identity_of("0224_c6s1_055726_02.jpg") == "0224"
    assert identity_of("-1_c1s1_000001_00.jpg") is None
    assert identity_of("fashionMENShirts_Polosid0000180202_4full.jpg") == "fashionMENShirts_Polosid0000180202"
    assert identity_of("fasionWOMENBlousesShirtsid0000298301_3back.jpg") == "fasionWOMENBlousesShirtsid0000298301"
    assert identity_of("0000/holiday_2.png") == "0000"  # in a folder nobody is a distractor
    assert identity_of("ann/holiday/2.png") == "ann"  # folders below a person's are theirs
    assert market_identity("0000_c1.jpg") is None
    assert deepfashion_identity("nothing.jpg") is None


def test_validation_people_have_the_smallest_hashes():
    people = [f"{p:04d}" for p in range(745)]
    chosen = validation_identities(people)
    ranked = sorted(people, key=lambda p: hashlib.sha256(p.encode()).hexdigest())
    assert chosen == set(ranked[:50])
    assert chosen == validation_identities(reversed(people * 2))
    assert len(validation_identities(people[:25])) == 2
    assert not validation_identities(people[:9])
    assert len(validation_identities(people[:9], count=4)) == 4


def test_split_has_no_person_in_both_parts_and_fixed_pairs_do_not_depend_on_order():
    pairs = make_pairs(dict.fromkeys([f"{p:04d}_{c}.jpg" for p in range(1, 41) for c in "abc"], SEEN))
    train, validation = split_pairs(pairs)
    people = [{market_identity(name) for pair in part for name in pair} for part in (train, validation)]
    assert len(people[0]) == 36 and len(people[1]) == 4 and not people[0] & people[1]
    assert len(train) + len(validation) == len(pairs) == 240
    assert validation == split_pairs(pairs[::-1])[1]
    assert fixed_pairs(pairs, 10) == fixed_pairs(pairs, 20)[:10]


def test_all_garments_of_a_person_are_in_one_part():
    names = [
        f"fashionWOMENDressesid{p:08d}{garment:02d}_{view}.jpg"
        for p in range(40)
        for garment in (1, 2, 13)
        for view in ("1front", "3back")
    ]
    train, validation = split_pairs(make_pairs(dict.fromkeys(names, SEEN)))
    people = [{name.split("id")[1][:8] for pair in part for name in pair} for part in (train, validation)]
    assert len(people[0]) == 36 and len(people[1]) == 4 and not people[0] & people[1]
    assert len(validation) == 4 * 3 * 2


def test_pairs_survive_a_file(tmp_path: Path):
    pairs = [("a_1.jpg", "a_2.jpg"), ('odd, "name".jpg', "ü/ö.png")]
    write_pairs(tmp_path / "pairs.csv", pairs)
    assert read_pairs(tmp_path / "pairs.csv") == pairs


def test_pair_files_of_other_systems(tmp_path: Path):
    (tmp_path / "pairs.csv").write_bytes(b"\xef\xbb\xbffrom,to\r\na.jpg, b.jpg\r\n\r\n")  # byte order mark, CRLF
    assert read_pairs(tmp_path / "pairs.csv") == [("a.jpg", "b.jpg")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"from,to\na,b\na,b,c\n", "line 3"),
        (b"from,to\na,\n", "line 2"),
        (b"a.jpg,b.jpg\n", "line 1.*header"),
        (b"", "line 1"),
        (b"from,to\n\xff\xfe,a\n", "UTF-8"),
        (b"from,to\n" + b"a" * 200_000 + b",b\n", "line 2.*field limit"),
    ],
)
def test_malformed_pair_files_are_refused_with_file_and_line(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "pairs.csv").write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_pairs(tmp_path / "pairs.csv")
    assert "pairs.csv" in str(caught.value)


def test_a_missing_pair_file_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"gone\.csv"):
        read_pairs(tmp_path / "gone.csv")
