"""A person put back into the full photo: what changes, and what must not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from posegan.errors import UserError
from posegan.images import read_photo, to_bytes, to_signed, write_png
from posegan.inference.fill import filled
from posegan.inference.generate import generate_file
from posegan.inference.matte import lifted, matched, matte, membrane, over, without_person
from posegan.inference.paste import PersonInPhoto, _fading, generate_in_photo, paste_person
from posegan.inference.poses import FramedPose, bundled_poses
from posegan.inference.predictor import Predictor
from posegan.layers.part_flow import torso_distance
from posegan.layers.warp import pixel_grid
from posegan.pose import Pose, body_mask, write_openpose
from tests.small_world import SIZE, photo, standing


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


def wide(pose: Pose | None = None) -> tuple[torch.Tensor, Pose]:
    """Return a photo of 300x500 with a person 200 px tall at the right, and the pose."""
    place = (pose or standing()).resize(SIZE, (200, 100)).crop(-330, -70)
    return photo(5, place, (300, 500)), place


def test_only_the_surroundings_of_both_poses_change(predictor: Predictor) -> None:
    image, source = wide()
    target = wide(standing("walking"))[1]
    made = paste_person(predictor, image, source, target)
    assert made.shape == image.shape
    assert made.dtype == torch.uint8
    changed = (made != image).any(0)
    near = body_mask(source, (300, 500), 60.0) | body_mask(target, (300, 500), 60.0)
    assert changed.any()
    assert not (changed & ~near).any()
    inside = body_mask(target, (300, 500), 3.0)
    assert changed[inside].float().mean() > 0.8


def test_a_photo_of_the_models_size_is_generated_where_the_person_is(predictor: Predictor) -> None:
    image, source, target = photo(1, standing()), standing(), standing("walking")
    made = paste_person(predictor, image, source, target, carry=False)
    poses, cut = Pose.stack([source, target]), to_signed(image)[None]
    plate, gone = without_person(cut, poses[:1])
    people, share = lifted(predictor.repose(cut, poses[:1], poses[1:]), poses[1:], plate)
    wanted = to_bytes(over(people, over(filled(cut, gone > 0.5), cut, gone), share))[0]
    assert (made.int() - wanted.int()).abs().max() <= 1


def test_a_cut_fades_where_the_photo_goes_on() -> None:
    inside = _fading((32, 16), [10, 10, 160, 320], (400, 400))
    assert torch.equal(inside, inside.flip(0))
    assert torch.equal(inside, inside.flip(1))
    assert inside[16].tolist() == [0.125, 0.375, 0.625, 0.875, *[1.0] * 8, 0.875, 0.625, 0.375, 0.125]
    assert float(inside[0].max()) == 0.125
    corner = _fading((32, 16), [-5, 80, 165, 320], (400, 400))  # beyond the left edge, down to the lower one
    assert corner[31].tolist() == [*[1.0] * 12, 0.875, 0.625, 0.375, 0.125]
    assert corner[:5, 0].tolist() == [0.125, 0.375, 0.625, 0.875, 1.0]
    assert torch.equal(_fading((32, 16), [0, 0, 16, 32], (32, 16)), torch.ones(32, 16))


def test_a_person_at_the_photos_edge(predictor: Predictor) -> None:
    image, source = wide()
    cut, moved = image[:, 100:, 370:], source.crop(370, 100)
    made = generate_in_photo(predictor, cut, "arms-up", moved)
    assert made.size == (130, 200)
    with pytest.raises(UserError, match="No joint of the target pose"):
        paste_person(predictor, image, source, source.crop(-2000, 0))
    with pytest.raises(UserError, match="No joint of the source pose"):
        paste_person(predictor, image, source.crop(-2000, 0), source)
    both = Pose.stack([source, source.crop(-2000, 0)])
    shown = PersonInPhoto(predictor, image, source, both)
    assert torch.equal(shown.show(both[0]), image)
    gone = shown.show(both[1])  # the pose lies beyond the photo: nobody is there
    assert not torch.equal(gone, image)


def test_matte_is_soft_and_around_the_body() -> None:
    poses = Pose.stack([standing(), standing("walking")])
    share = matte(poses, SIZE)
    assert share.shape == (2, *SIZE)
    assert float(share.min()) >= 0
    assert float(share.max()) <= 1
    assert bool((share[body_mask(poses, SIZE, 3.0)] > 0.95).all())
    assert bool((share[~body_mask(poses, SIZE, 30.0)] < 0.02).all())
    assert float((share[:, :, 1:] - share[:, :, :-1]).abs().max()) < 0.25
    nobody = Pose(torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool))
    assert not matte(nobody, SIZE).any()


def figure(pose: Pose, radius: float) -> torch.Tensor:
    """Return the pixels (1, *SIZE) around bones, and between shoulders and hips."""
    trunk = torso_distance(pose, pixel_grid(SIZE, torch.device("cpu"))) < 0.8
    return body_mask(pose, SIZE, radius) | trunk


def coloured(pose: Pose, person: float, around: float) -> torch.Tensor:
    """Return a picture (1, 3, *SIZE) of a person of one grey before another, with a soft edge of a pixel."""
    soft = torch.nn.functional.avg_pool2d(figure(pose, 4.0).float(), 3, 1, 1)[:, None]
    return (around + soft * (person - around)).expand(1, 3, *SIZE)


@pytest.mark.parametrize(("person", "around", "wall"), [(0.5, -0.2, 0.9), (-0.8, -0.1, 0.9), (0.3, 0.9, -0.9)])
def test_nothing_of_the_generated_background_is_left(person: float, around: float, wall: float) -> None:
    pose = Pose.stack([standing()])
    plate = torch.full((1, 3, *SIZE), wall)
    people, share = lifted(coloured(pose, person, around), pose, plate)
    laid = over(people, plate, share)
    body = figure(pose, 4.0)[0]
    inside, outside = figure(pose, 2.0)[0], ~figure(pose, 6.0)[0]
    assert float((laid[..., inside] - person).abs().mean()) < 0.03
    assert float((laid[..., outside] - wall).abs().max()) < 0.05
    between = laid[..., body ^ figure(pose, 6.0)[0]]  # the edge: of the person and the wall, of nothing else
    assert float(between.min()) > min(person, wall) - 0.1
    assert float(between.max()) < max(person, wall) + 0.1


def test_where_colours_do_not_tell_the_bones_do() -> None:
    pose = Pose.stack([standing()])
    grey = torch.zeros(1, 3, *SIZE)
    people, share = lifted(grey, pose, grey)
    assert torch.equal(people, grey)
    assert float(share[body_mask(pose, SIZE, 2.0)].min()) > 0.9
    assert not share[~body_mask(pose, SIZE, 30.0)].any()
    nobody = Pose(torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool))
    assert not lifted(grey, nobody, grey)[1].any()


def test_a_person_is_filled_in_from_around() -> None:
    pose = Pose.stack([standing()])
    street = torch.linspace(-0.5, 0.5, 64).expand(1, 3, *SIZE)  # brighter to the right
    shoes = body_mask(Pose(pose.xy + torch.tensor([0.0, 5.0]), pose.visible), SIZE, 3.0)
    person = body_mask(pose, SIZE, 5.0) | shoes
    plate, gone = without_person(torch.where(person[:, None], 1.0, street), pose)
    assert float(gone[person].min()) > 0.9
    torch.testing.assert_close(plate, street, atol=0.1, rtol=0)
    far = ~body_mask(pose, SIZE, 25.0)
    assert torch.equal(plate[:, :, far[0]], street[:, :, far[0]])
    assert not gone[far].any()


def test_a_membrane_is_flat_where_its_frame_is() -> None:
    """Against the solution of Laplace's equation for a frame that rises from left to right: a ramp."""
    ramp = torch.linspace(0, 1, 40).expand(1, 2, 30, 40)
    known = torch.ones(1, 1, 30, 40, dtype=torch.bool)
    known[..., 4:-4, 4:-4] = False
    found = membrane(torch.where(known, ramp, 7.0), known)
    torch.testing.assert_close(found, ramp, atol=0.08, rtol=0)


def test_generate_pastes_guesses_and_retargets(predictor: Predictor, tmp_path: Path) -> None:
    image, source = wide()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / "me.png")
    write_openpose(tmp_path / "me.json", [source])
    lost = Pose(standing("walking").xy, standing("walking").visible & (torch.arange(18) != 10))
    pose = FramedPose(lost, SIZE)

    def made(name: str, **options: bool) -> torch.Tensor:
        guessed = generate_file(predictor, tmp_path / "me.png", pose, tmp_path / name, **options).guessed
        assert guessed == (("right_ankle",) if options.get("guess") else ())
        return read_photo(tmp_path / name)

    plain, pasted = made("a.png"), made("b.png", paste=True)
    assert plain.shape == (3, *SIZE)
    assert pasted.shape == image.shape
    assert not torch.equal(plain, made("c.png", retarget=False))
    assert not torch.equal(pasted, made("d.png", paste=True, retarget=False))
    assert not torch.equal(plain, made("e.png", guess=True))
    with Image.open(tmp_path / "e.png") as picture:
        assert picture.info["posegan:guessed-joints"] == "right_ankle"
    with Image.open(tmp_path / "a.png") as picture:
        assert "posegan:guessed-joints" not in picture.info


def test_a_plain_pose_is_taken_as_it_is(predictor: Predictor) -> None:
    image, own = photo(2, standing()), standing()
    framed = bundled_poses()["sitting"]
    exact = predictor.generate(image, framed.pose, own)
    assert exact.tobytes() == predictor.generate(image, framed, own, retarget=False).tobytes()
    assert exact.tobytes() != predictor.generate(image, framed, own).tobytes()
    kept = generate_in_photo(predictor, image, framed.pose, own)
    assert kept.tobytes() == generate_in_photo(predictor, image, framed, own, retarget=False).tobytes()


@pytest.mark.parametrize("kind", ["turned", "clear", "grey", "large"])
def test_photos_as_they_come(kind: str, predictor: Predictor, tmp_path: Path) -> None:
    """A photo turned by its EXIF tag, a PNG with alpha, a grey one and a large one, pasted into what a viewer shows."""
    image, source = wide()
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    size = picture.size
    if kind == "turned":
        tag = Image.Exif()
        tag[0x0112] = 6  # shown turned by a quarter clockwise
        picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=tag)
    elif kind == "clear":
        picture.putalpha(200)
        picture.save(tmp_path / "a.png")
    elif kind == "grey":
        picture.convert("L").save(tmp_path / "a.png")
    else:
        size = (2500, 1500)
        picture.resize(size).save(tmp_path / "a.png")
        source = source.resize((300, 500), (1500, 2500))
    write_openpose(tmp_path / "a.json", [source])
    generate_file(predictor, tmp_path / "a.png", "sitting", tmp_path / "out.png", paste=True)
    made, before = read_photo(tmp_path / "out.png"), read_photo(tmp_path / "a.png")
    assert made.shape == (3, *size[::-1])
    assert torch.equal(made[:, :, : size[0] // 2], before[:, :, : size[0] // 2])
    assert not torch.equal(made, before)


def test_who_is_cut_off_by_the_edge_of_the_photo_is_told(predictor: Predictor, tmp_path: Path) -> None:
    pose = standing()
    write_png(tmp_path / "a.png", photo(3, pose))
    xy = pose.xy.clone()
    xy[4] = torch.tensor([5.0, -40.0])
    made = generate_file(
        predictor, tmp_path / "a.png", Pose(xy, pose.visible), tmp_path / "b.png", source_pose=pose, paste=True
    )
    assert made.outside == ("right_wrist",)
    whole = generate_file(predictor, tmp_path / "a.png", pose, tmp_path / "c.png", source_pose=pose, paste=True)
    assert whole.outside == ()


def test_what_is_generated_takes_the_colours_of_the_photo_nearby() -> None:
    """And keeps its own where nothing nearby is known, and what is finer than the blur."""
    texture = 0.05 * torch.randn(1, 3, 128, 64, generator=torch.Generator().manual_seed(0))
    made = texture - 0.3
    photo = torch.full((1, 3, 128, 64), 0.2)
    share = torch.zeros(1, 128, 64)
    share[:, :40] = 1
    found = matched(made, photo, share, (128, 64))
    torch.testing.assert_close(found[..., 40:44, :] - texture[..., 40:44, :], photo[..., 40:44, :], atol=0.05, rtol=0)
    torch.testing.assert_close(found[..., 80:, :], made[..., 80:, :])
    torch.testing.assert_close(matched(made, photo, 0 * share, (128, 64)), made)
    doubled = [x.repeat_interleave(2, -2).repeat_interleave(2, -1) for x in (made, photo, share)]
    large = matched(doubled[0], doubled[1], doubled[2], (128, 64))
    torch.testing.assert_close(large[..., ::2, ::2], found, atol=0.05, rtol=0)
