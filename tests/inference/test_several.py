"""Several photos of one person: whose share is whose, what models make of them, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.data import SyntheticPeople
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.images import to_bytes, to_signed, write_png
from posegan.inference.animate import animate_file
from posegan.inference.generate import generate_file
from posegan.inference.paste import aim_in_photo, generate_in_photo, paste_person
from posegan.inference.poses import FramedPose
from posegan.inference.predictor import Predictor, read_people
from posegan.inference.several import photo_shares
from posegan.models.base import Generator, Output
from posegan.pose import Pose, body_mask, save_annotations, write_openpose
from posegan.pose.view import torso_width
from tests.small_world import SIZE, photo, standing


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


@pytest.fixture(scope="module")
def drawn() -> Predictor:
    return Predictor.load("posegan-synthetic", "cpu")


def person(sides: tuple[str, ...], size: tuple[int, int] = (256, 128)) -> list[tuple[Tensor, Pose]]:
    """Return pictures (3, H, W) uint8 of one synthetic person from the sides asked for, and their poses."""
    world = SyntheticPeople(40, size, poses_per_identity=24, seed=5, one_background=True)
    found = [world.render(*world.seeds([24 * 6 + i])) for i in range(24)]
    order = sorted(range(24), key=lambda i: float(torso_width(found[i].pose)))
    chosen = {"back": order[0], "another back": order[1], "front": order[-1], "another front": order[-2]}
    return [(to_bytes(to_signed(found[chosen[side]].image))[0], found[chosen[side]].pose[0]) for side in sides]


def test_shares_go_to_the_photo_from_the_same_side() -> None:
    sources = Pose.stack([standing("front"), standing("back")])
    shares = photo_shares(sources, Pose.stack([standing("front"), standing("back")]), SIZE)
    assert shares.shape == (2, 2, *SIZE)
    for target, name in enumerate(("front", "back")):
        body = body_mask(standing(name), SIZE, 2.0)
        assert float(shares[target, target][body].min()) > 0.8
        torch.testing.assert_close(shares[target].sum(0)[body], torch.ones(int(body.sum())), atol=0.15, rtol=0)
    assert float(shares[:, :, 0, 0].max()) < 0.01  # a corner is nobody's


def test_a_part_that_a_photo_lacks_comes_from_the_other() -> None:
    whole = standing("front")
    visible = whole.visible.clone()
    visible[[9, 10, 12, 13]] = False  # cut off above the knees
    shares = photo_shares(Pose.stack([Pose(whole.xy, visible), whole]), Pose.stack([whole]), SIZE)[0]
    x, y = whole.xy[10].round().long().tolist()
    assert float(shares[1, y - 4, x]) > 0.9
    x, y = whole.xy[[2, 5, 8, 11]].mean(0).round().long().tolist()
    torch.testing.assert_close(shares[:, y, x], torch.full((2,), 0.5), atol=0.05, rtol=0)


def test_one_photo_twice_is_one_photo(predictor: Predictor) -> None:
    source, pose = to_signed(photo(1, standing())), standing()
    targets = Pose.stack([standing("back"), standing("walking")])
    alone = predictor.render_person(predictor.encode_person(source, pose), targets)
    torch.testing.assert_close(
        alone, predictor.render(predictor.encode(source[None], Pose.stack([pose])), targets), atol=0, rtol=0
    )
    twice = predictor.render_person(predictor.encode_person(source, pose, [(photo(1, standing()), pose)]), targets)
    torch.testing.assert_close(twice, alone, atol=1e-4, rtol=1e-3)


def test_mixing_is_by_the_shares(predictor: Predictor) -> None:
    """All of a picture from one of two photos is the picture of that photo; what has no share is the first one's."""
    encoded = predictor.encode_person(
        to_signed(photo(1, standing())), standing(), [(photo(2, standing("back")), standing("back"))]
    )
    target = Pose.stack([standing("sitting")])
    for photo_number in (0, 1):
        shares = torch.zeros(1, 2, *SIZE)
        shares[:, photo_number] = 1
        with torch.inference_mode():
            made = predictor.generator.render_together(encoded.features, encoded.pose, target, shares).image
            first = predictor.generator.render_together(encoded.features, encoded.pose, target, 0 * shares).image
            alone = predictor.generator.render(
                tuple(f[photo_number : photo_number + 1] for f in encoded.features),
                encoded.pose[photo_number : photo_number + 1],
                target,
            ).image
        torch.testing.assert_close(made, alone, atol=1e-5, rtol=1e-4)
        assert torch.allclose(first, made, atol=1e-5) == (photo_number == 0)


def test_a_model_that_cannot_mix_takes_the_photo_with_the_largest_share() -> None:
    class Names(Generator):
        def encode(self, source: Tensor, source_pose: Pose) -> tuple[Tensor, ...]:
            return (source,)

        def render(self, features: tuple[Tensor, ...], source_pose: Pose, target_pose: Pose) -> Output:
            return Output(features[0])

    grey = to_signed(torch.full((3, *SIZE), 50, dtype=torch.uint8))
    model = Predictor(Names(), SIZE, "cpu")
    other = torch.full((3, *SIZE), 200, dtype=torch.uint8)
    encoded = model.encode_person(grey, standing("front"), [(other, standing("back"))])
    made = model.render_person(encoded, Pose.stack([standing("back"), standing("front")]))
    assert to_bytes(made)[:, 0, 0, 0].tolist() == [200, 50]


def middle_of_torso(picture: Tensor, pose: Pose) -> Tensor:
    """Return the mean colour (3,) of the middle of a torso."""
    x, y = pose.xy[[2, 5, 8, 11]].mean(0).round().long().tolist()
    return picture[:, y - 3 : y + 4, x - 3 : x + 4].float().mean((1, 2))


def test_a_back_comes_from_the_photo_that_shows_it(drawn: Predictor) -> None:
    """In the full photo and without; what is asked for is a third photo, from behind too."""
    (image, pose), other, (truth, wanted) = person(("front", "back", "another back"))
    target = aim_in_photo(FramedPose(wanted, (256, 128)), pose)
    one, two = (paste_person(drawn, image, pose, target, others=others) for others in ((), [other]))
    body = body_mask(target, (256, 128), 6.0)
    truth = paste_person(drawn, truth, wanted, wanted)  # as it is
    colour = [made[:, body].float().mean(1) for made in (one, two)]
    expected = truth[:, body_mask(wanted, (256, 128), 6.0)].float().mean(1)
    assert float((colour[1] - expected).abs().mean()) < float((colour[0] - expected).abs().mean())
    seen = middle_of_torso(truth, wanted)  # a rucksack, which the first photo does not show
    errors = [float((middle_of_torso(made, target) - seen).abs().mean()) for made in (one, two)]
    assert errors[1] < 0.3 * errors[0]
    far = ~body_mask(target, (256, 128), 40.0) & ~body_mask(pose, (256, 128), 40.0)
    assert torch.equal(two[:, far], image[:, far])


def test_the_photo_itself_comes_first(drawn: Predictor) -> None:
    """Where both photos can tell, the one that is shown does, and its own pose gives it back to the bit."""
    (image, pose), other = person(("front", "another front"))
    assert torch.equal(paste_person(drawn, image, pose, pose, others=[other]), image)


def test_a_photo_without_a_torso_still_helps_the_generator(drawn: Predictor) -> None:
    (image, pose), (seen, whole), (_, wanted) = person(("front", "back", "another back"))
    hidden = Pose(whole.xy, whole.visible & (torch.arange(18) != 8))
    made = paste_person(drawn, image, pose, aim_in_photo(wanted, pose), others=[(seen, hidden)])
    assert made.shape == image.shape


def files(folder: Path) -> list[Path]:
    paths = [folder / f"{side}.png" for side in ("front", "back")]
    for path, number, side in zip(paths, (1, 2), ("front", "back"), strict=True):
        write_png(path, photo(number, standing()))
        write_openpose(path.with_suffix(".json"), [standing(side)])
    return paths


def test_files_in_one_picture_out(predictor: Predictor, tmp_path: Path) -> None:
    front, back = files(tmp_path)
    generate_file(predictor, [front, back], "back", tmp_path / "a.png")
    generate_file(predictor, front, "back", tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as two, Image.open(tmp_path / "b.png") as one:
        assert two.tobytes() != one.tobytes()
        assert two.info["posegan:source"] == one.info["posegan:source"] == sha256_of(front)
        assert two.info["posegan:other-sources"] == sha256_of(back)
        assert "posegan:other-sources" not in one.info
        assert two.tobytes() == predictor.generate([str(front), str(back)], "back").tobytes()
    generate_file(predictor, [front, back], "back", tmp_path / "c.png", paste=True)
    with Image.open(tmp_path / "c.png") as pasted:
        assert pasted.tobytes() == generate_in_photo(predictor, [front, back], "back").tobytes()
    with pytest.raises(UserError, match=r"back\.png is an input"):
        generate_file(predictor, [front, back], "back", back)


@pytest.mark.parametrize("paste", [False, True])
def test_an_animation_of_two_photos(predictor: Predictor, tmp_path: Path, paste: bool) -> None:
    front, back = files(tmp_path)
    one, _ = animate_file(predictor, front, "walk-away", tmp_path / "one.gif", paste=paste)
    two, _ = animate_file(predictor, [front, back], "walk-away", tmp_path / "two.gif", paste=paste)
    assert one.frames.shape == two.frames.shape
    assert not torch.equal(one.frames, two.frames)


def test_poses_of_several_photos(tmp_path: Path) -> None:
    front, back = files(tmp_path)
    poses = [standing("left"), standing("right")]
    for given in (poses, [FramedPose(pose, SIZE) for pose in poses]):
        found = read_people([front, back], given)
        assert [torch.equal(pose.xy, wanted.xy) for (_, pose), wanted in zip(found, poses, strict=True)] == [True] * 2
    table = tmp_path / "all.csv"
    save_annotations(table, {"front.png": poses[0], "back.png": poses[1]})
    for (_, pose), wanted in zip(read_people([front, back], table), poses, strict=True):
        torch.testing.assert_close(pose.xy, wanted.xy, atol=0.51, rtol=0)
    with pytest.raises(UserError, match="There are 2 photos of the person and 1 poses of theirs"):
        read_people([front, back], poses[:1])
    with pytest.raises(UserError, match="There are 2 photos of the person and 1 poses of theirs"):
        read_people([front, back], poses[0])
    with pytest.raises(UserError, match="There is no photo of the person"):
        read_people([])
