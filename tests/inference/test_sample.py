"""People drawn at random or mixed from photos: what is drawn, what is taken, and the sheet on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

import posegan
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.images import read_photo, tile, to_bytes, write_png
from posegan.inference.predictor import Predictor
from posegan.inference.sample import AT_ONCE, Taken, sample_people, sample_sheet
from posegan.models import create_model
from posegan.pose import Pose, draw_poses, write_openpose
from tests.small_world import SIZE, photo, standing

TINY = {"width": 4, "blocks": 3, "crop": 8, "latent": 4, "hidden": 8}


def generator_of(name: str, trained: bool = True, **config: object) -> Predictor:
    torch.manual_seed(0)
    generator = create_model(name, **config).generator
    for key, flag in generator.named_buffers():
        if key.endswith("trained"):
            flag.fill_(float(trained))
    return Predictor(generator, SIZE, "cpu")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return generator_of("disentangled", **TINY)


@pytest.fixture(scope="module")
def vunet() -> Predictor:
    return generator_of("vunet", width=2, features="none")


@pytest.fixture
def photos(market: Path) -> list[Path]:
    """Three people in three poses, with their joints in a file beside them."""
    return [market / "bounding_box_test" / f"{11 + i:04d}_c1s1_00000{i}_00.png" for i in range(3)]


def test_people_and_their_poses_are_drawn(predictor: Predictor) -> None:
    people = sample_people(predictor, 3)
    assert people.images.shape == (3, 3, *SIZE)
    assert people.images.abs().max() <= 1
    assert people.photos.shape == (0, 3, *SIZE)
    assert len(people.poses) == 3
    assert not torch.equal(people.images[0], people.images[1])
    assert not torch.equal(people.poses.xy[0], people.poses.xy[1])


def test_a_seed_draws_the_same_and_another_one_others(predictor: Predictor) -> None:
    torch.manual_seed(9)
    state = torch.get_rng_state()
    people = [sample_people(predictor, 2, seed=seed) for seed in (3, 3, 4, -(10**30))]
    assert torch.equal(people[0].images, people[1].images)
    assert torch.equal(people[0].poses.xy, people[1].poses.xy)
    assert not torch.equal(people[0].images, people[2].images)
    assert torch.equal(torch.get_rng_state(), state)


def test_many_people_pass_in_parts(predictor: Predictor) -> None:
    seen: list[int] = []
    hook = predictor.generator.decoder.last.register_forward_hook(lambda _, args, out: seen.append(len(out)))
    people = sample_people(predictor, AT_ONCE + 2, pose="front")
    hook.remove()
    assert seen == [AT_ONCE, 2]
    assert len(people.images) == AT_ONCE + 2
    assert not torch.equal(people.images[0], people.images[AT_ONCE])


def test_a_given_pose_is_that_of_all(predictor: Predictor) -> None:
    people = sample_people(predictor, 2, pose="walking")
    for xy in people.poses.xy:
        assert torch.equal(xy, predictor.target("walking").xy)
    assert not torch.equal(people.images[0], people.images[1])


def test_a_person_taken_whole_is_the_transfer(predictor: Predictor, photos: list[Path]) -> None:
    own = {"foreground": Taken(photos[0]), "background": Taken(photos[0])}
    found = sample_people(predictor, 1, pose="back", **own).images[0]
    assert torch.equal(to_bytes(found), read_pil(predictor.generate(photos[0], "back", retarget=False)))


def read_pil(picture: Image.Image) -> torch.Tensor:
    return torch.tensor(list(picture.tobytes()), dtype=torch.uint8).view(*SIZE, 3).permute(2, 0, 1)


def test_factors_come_each_from_its_photo(predictor: Predictor, photos: list[Path]) -> None:
    def mixed(foreground: Path, background: Path) -> torch.Tensor:
        taken = {"foreground": Taken(foreground), "background": Taken(background)}
        return sample_people(predictor, 1, pose="back", **taken).images

    a, b = photos[:2]
    assert not torch.equal(mixed(a, b), mixed(a, a))
    assert not torch.equal(mixed(a, b), mixed(b, b))
    assert not torch.equal(mixed(a, b), mixed(b, a))
    half = sample_people(predictor, 2, pose="back", foreground=Taken(a))  # the backgrounds are drawn
    assert not torch.equal(half.images[0], half.images[1])
    assert torch.equal(to_bytes(half.photos[0]), read_photo(a))


@pytest.mark.usefixtures("blind")
def test_a_pose_can_be_given_for_a_photo_without_one(predictor: Predictor, tmp_path: Path) -> None:
    write_png(tmp_path / "me.png", photo(1, standing()))
    with pytest.raises(UserError, match="finds nobody in"):
        sample_people(predictor, 1, foreground=Taken(tmp_path / "me.png"))
    write_openpose(tmp_path / "joints.json", [standing()])
    found = sample_people(predictor, 1, foreground=Taken(tmp_path / "me.png", tmp_path / "joints.json"))
    known = sample_people(predictor, 1, foreground=Taken(photo(1, standing()), standing()))
    assert torch.equal(found.images, known.images)


def test_vunet_draws_appearances_in_poses_that_are_given(vunet: Predictor, photos: list[Path]) -> None:
    people = sample_people(vunet, 2, pose="front")
    assert people.images.shape == (2, 3, *SIZE)
    assert not torch.equal(people.images[0], people.images[1])
    assert torch.equal(sample_people(vunet, 2, pose="front").images, people.images)
    with pytest.raises(UserError, match=r"draws people, but no poses: give a pose\."):
        sample_people(vunet, 2)
    with pytest.raises(UserError, match="does not hold the foreground apart from the rest: leave the foreground out"):
        sample_people(vunet, 2, pose="front", foreground=Taken(photos[0]))


def test_what_cannot_be_drawn_or_taken_is_refused(weights: Path, photos: list[Path]) -> None:
    with pytest.raises(UserError, match="'posegan' draws no people of its own: .* one of 'disentangled', 'vunet'"):
        sample_people(Predictor.load(weights, "cpu"), 1)
    with pytest.raises(UserError, match="no trained sampler of the pose"):
        sample_people(generator_of("disentangled", trained=False, **TINY), 1)
    with pytest.raises(UserError, match="no trained sampler of the foreground"):
        sample_people(generator_of("disentangled", trained=False, **TINY), 1, pose="back")
    whole = generator_of("disentangled", **TINY, background=False)
    with pytest.raises(UserError, match="does not hold the background apart"):
        sample_people(whole, 1, background=Taken(photos[0]))


def test_the_sheet_shows_photos_then_each_person_below_its_pose(
    predictor: Predictor, photos: list[Path], tmp_path: Path
) -> None:
    taken = {"foreground": Taken(photos[0]), "background": Taken(photos[1])}
    sample_sheet(predictor, tmp_path / "new" / "people.png", 10, **taken)
    people = sample_people(predictor, 10, **taken)
    blank = torch.full((8, 3, *SIZE), 255, dtype=torch.uint8)
    drawn, images = draw_poses(people.poses, SIZE), to_bytes(people.images)
    rows = [
        *(read_photo(p)[None] for p in photos[:2]),
        blank[:6],
        drawn[:8],
        images[:8],
        drawn[8:],
        blank[:6],
        images[8:],
        blank[:6],
    ]
    assert torch.equal(read_photo(tmp_path / "new" / "people.png"), tile(torch.cat(rows), 8))


def test_a_sheet_says_what_it_is(predictor: Predictor, photos: list[Path], tmp_path: Path) -> None:
    def said(name: str, **options: object) -> dict[str, str]:
        sample_sheet(predictor, tmp_path / name, 1, **options)  # type: ignore[arg-type]
        with Image.open(tmp_path / name) as picture:
            return dict(picture.info)

    info = said("a.png", foreground=Taken(photos[0]), background=Taken(photos[1]))
    assert info["Description"].startswith("AI-generated")
    assert info["Software"] == f"posegan {posegan.__version__}"
    assert info["posegan:source"] == f"{sha256_of(photos[0])}, {sha256_of(photos[1])}"
    assert said("b.png")["posegan:source"] == "no photo"
    assert said("c.png", metadata=False) == {}


def test_nothing_is_lost(predictor: Predictor, photos: list[Path], tmp_path: Path) -> None:
    before = photos[0].read_bytes()
    for given in ({"foreground": Taken(photos[0])}, {"pose": photos[0]}, {"pose": str(photos[0])}):
        with pytest.raises(UserError, match="would be lost"):
            sample_sheet(predictor, photos[0], 1, **given)  # type: ignore[arg-type]
    assert photos[0].read_bytes() == before
    write_png(tmp_path / "joints.png", photo(1, standing()))
    with pytest.raises(UserError, match="would be lost"):
        sample_sheet(predictor, tmp_path / "joints.png", 1, foreground=Taken(photos[1], tmp_path / "joints.png"))
    for name in ("people.jpg", "people"):
        with pytest.raises(UserError, match=r"ends in \.png"):
            sample_sheet(predictor, tmp_path / name, 1)
    with pytest.raises(UserError, match="is a folder: give a file name"):
        sample_sheet(predictor, tmp_path, 1)
    sample_sheet(predictor, tmp_path / "old.png", 1)
    old = (tmp_path / "old.png").read_bytes()
    with pytest.raises(UserError, match="Unknown pose"):
        sample_sheet(predictor, tmp_path / "old.png", 1, pose="walkin")
    assert (tmp_path / "old.png").read_bytes() == old
    sample_sheet(predictor, tmp_path / "old.png", 2)  # its own sheet is replaced, a picture of somebody else's is not
    assert (tmp_path / "old.png").read_bytes() != old
    write_png(tmp_path / "old.png", photo(1, standing()))
    with pytest.raises(UserError, match="does not say that posegan made it"):
        sample_sheet(predictor, tmp_path / "old.png", 1)


def test_one_pose_as_a_value(predictor: Predictor) -> None:
    pose = standing()
    people = sample_people(predictor, 2, pose=Pose(pose.xy, pose.visible))
    assert torch.equal(people.poses.xy[1], pose.xy)
