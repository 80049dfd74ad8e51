"""The predictor: one path from photo and pose to photo, whatever the photo comes as."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from posegan.cli.parser import DEFAULT_WEIGHTS
from posegan.errors import UserError
from posegan.images import read_photo, to_bytes, to_pil, to_signed, write_png
from posegan.inference.framing import load_photo
from posegan.inference.predictor import SHIPPED, Predictor, shipped_weights
from posegan.models import create_model
from posegan.pose import Pose, write_openpose
from posegan.weights import read_weights, save_weights
from tests.layers.convolutions import count_contexts
from tests.small_world import SIZE, photo, standing


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


def test_help_names_the_weights_that_are_taken_by_default() -> None:
    assert DEFAULT_WEIGHTS.partition(" ")[0] == SHIPPED[0]


def test_load_says_what_the_weights_are(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = weights.with_name("again.safetensors")
    copy.write_bytes(weights.read_bytes())
    loaded = [Predictor.load(copy, "cpu") for _ in range(2)]
    assert capsys.readouterr().err == "again: Tiny: for research only.\n"  # once
    assert loaded[0].size == SIZE
    assert loaded[0].info is not None
    assert loaded[0].info.model == "posegan"
    assert loaded[0].sha256 == loaded[1].sha256
    assert not loaded[0].generator.training


def test_repose_is_the_generator(predictor: Predictor) -> None:
    source = to_signed(torch.stack([photo(1, standing()), photo(2, standing())]))
    poses = [Pose.stack([standing(a), standing(b)]) for a, b in (("front", "back"), ("left", "walking"))]
    made = predictor.repose(source, *poses)
    with torch.no_grad():
        expected = predictor.generator(source, *poses).image
    assert made.shape == (2, 3, *SIZE)
    assert not made.requires_grad
    torch.testing.assert_close(made, expected)
    with pytest.raises(ValueError, match="2 photos"):
        predictor.repose(source, poses[0][:1], poses[1])


def test_encoded_once_rendered_in_many_poses(predictor: Predictor) -> None:
    source, pose = to_signed(photo(1, standing()))[None], Pose.stack([standing()])
    targets = Pose.stack([standing("back"), standing("sitting"), standing("running")])
    made = predictor.render(predictor.encode(source, pose), targets)
    one_by_one = [predictor.repose(source, pose, targets[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(made, torch.cat(one_by_one), atol=1e-5, rtol=1e-4)
    two = predictor.encode(source.repeat(2, 1, 1, 1), Pose.stack([standing(), standing()]))
    with pytest.raises(ValueError, match="2 photos cannot be rendered in 3 poses"):
        predictor.render(two, targets)


def test_wide_generators_convolve_in_faster_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = count_contexts("posegan.inference.predictor", monkeypatch)
    torch.manual_seed(0)
    source, pose = torch.rand(2, 3, *SIZE) * 2 - 1, Pose.stack([standing()] * 2)
    found = []
    for width, times in ((4, 0), (48, 3)):
        predictor = Predictor(create_model("patn", width=width, blocks=4, features="none").generator, SIZE, "cpu")
        found = [predictor.repose(source, pose, pose), predictor.render(predictor.encode(source, pose), pose)]
        assert len(entered) == times
    torch.testing.assert_close(*found)
    with torch.inference_mode():
        torch.testing.assert_close(found[0], predictor.generator(source, pose, pose).image, rtol=0, atol=1e-3)


def test_several_photos_of_one_person_do_so_too(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered = count_contexts("posegan.inference.predictor", monkeypatch)
    monkeypatch.setattr("posegan.inference.predictor.wide", lambda generator: True)
    predictor, first = Predictor.load(weights, "cpu"), to_signed(photo(1, standing()))
    encoded = predictor.encode_person(first, standing(), [(photo(2, standing("back")), standing("back"))])
    predictor.render_person(encoded, Pose.stack([standing("left")]))
    assert len(encoded) == len(entered) == 2


def test_weights_whose_pictures_overflow_are_told(weights: Path, tmp_path: Path) -> None:
    """All of them are finite, but no picture is, and it would be saved in black."""
    info, tensors = read_weights(weights)
    huge = tmp_path / "huge.safetensors"
    save_weights(huge, {name: value * 1e30 for name, value in tensors.items()}, info)
    predictor = Predictor.load(huge, "cpu")
    source, pose = to_signed(photo(1, standing())), standing()
    one, two = predictor.encode_person(source, pose), predictor.encode_person(source, pose, [(photo(2, pose), pose)])
    targets = Pose.stack([standing("back")])
    for make in (
        lambda: predictor.repose(source[None], Pose.stack([pose]), targets),
        lambda: predictor.render(one, targets),
        lambda: predictor.render_person(two, targets),
    ):
        with pytest.raises(UserError, match=r"huge\.safetensors makes no picture of this, its numbers overflow"):
            make()


def test_photo_of_a_size_that_the_model_pads() -> None:
    from posegan.models import create_model

    predictor = Predictor(
        create_model("posegan", width=8, depth=2, blocks=0, attention=False).generator, (30, 18), "cpu"
    )
    pose = Pose.stack([standing().resize(SIZE, (30, 18))])
    source = torch.zeros(1, 3, 30, 18)
    made = predictor.render(predictor.encode(source, pose), pose)
    torch.testing.assert_close(made, predictor.repose(source, pose, pose))
    assert predictor.sha256 is None


def test_every_kind_of_photo_gives_the_same_picture(predictor: Predictor, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    write_png(file, photo(3, standing()))
    kinds = (file, str(file), Image.open(file), read_photo(file), to_signed(read_photo(file)))
    pictures = [predictor.generate(kind, "walking", standing()) for kind in kinds]
    assert pictures[0].size == (64, 128)
    assert all(picture.tobytes() == pictures[0].tobytes() for picture in pictures)


def test_a_sixteen_bit_picture_is_not_clipped() -> None:
    grey = Image.fromarray(torch.full((128, 64), 0x7F7F, dtype=torch.uint16).numpy())
    assert torch.equal(load_photo(grey), torch.full((3, 128, 64), 0x7F, dtype=torch.uint8))


def test_transparent_picture_is_laid_on_white(predictor: Predictor) -> None:
    clear = to_pil(photo(3, standing())).convert("RGBA")
    clear.putalpha(0)
    image, _ = predictor.prepare(clear, standing())
    assert bool((image == 1).all())


def test_a_photo_of_the_models_size_is_untouched(predictor: Predictor) -> None:
    image, pose = predictor.prepare(photo(4, standing()), standing())
    assert torch.equal(to_bytes(image), photo(4, standing()))
    torch.testing.assert_close(pose.xy, standing().xy)


def test_source_pose_comes_from_beside_the_photo(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    file = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    assert predictor.generate(file, "back").tobytes() == predictor.generate(file, "back", standing()).tobytes()
    write_openpose(tmp_path / "pose.json", [standing()])
    assert (
        predictor.generate(file, "back", tmp_path / "pose.json").tobytes() == predictor.generate(file, "back").tobytes()
    )
    table = market / "market-annotation-test.csv"
    assert predictor.generate(file, "back", table).tobytes() == predictor.generate(file, "back").tobytes()


@pytest.mark.usefixtures("blind")
def test_a_photo_in_which_nobody_is_found_says_how_to_give_a_pose(predictor: Predictor, tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", photo(1, standing()))
    with pytest.raises(UserError, match=r"finds nobody in .*a\.png: .*box.*detector.*source pose"):
        predictor.generate(tmp_path / "a.png", "back")
    with pytest.raises(UserError, match="finds nobody in the photo"):
        predictor.generate(photo(1, standing()), "back")


@pytest.mark.parametrize("where", [float("nan"), -500.0])
def test_a_pose_that_is_nowhere_in_the_picture_is_refused(predictor: Predictor, where: float) -> None:
    lost = Pose(torch.full((18, 2), where), torch.ones(18, dtype=torch.bool))
    with pytest.raises(UserError, match="No joint of the target pose lies in the picture"):
        predictor.generate(photo(1, standing()), lost, standing())


@pytest.mark.parametrize("name", ["walking", "other.png"])
def test_joints_of_somebody_else_are_refused(predictor: Predictor, name: str) -> None:
    with pytest.raises(UserError, match=f"{name} does not tell where the joints of the photo are"):
        predictor.generate(photo(1, standing()), "walking", name)


def test_unknown_device(weights: Path) -> None:
    with pytest.raises(UserError, match="Unknown device 'cdua'; did you mean 'cuda'"):
        Predictor.load(weights, "cdua")
    with pytest.raises(UserError, match="Unknown device 'meta'"):
        Predictor.load(weights, "meta")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="no device 'cuda'"):
            Predictor.load(weights, "cuda")


def test_shipped_weights_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "posegan.inference.predictor.bundled_names"
    monkeypatch.setattr(module, lambda: ("other", "posegan-synthetic"))
    assert shipped_weights() == "posegan-synthetic"
    monkeypatch.setattr(module, lambda: ("posegan-market-research", "posegan-synthetic"))
    assert shipped_weights() == "posegan-market-research"
    monkeypatch.setattr(module, lambda: ())
    with pytest.raises(UserError, match="no bundled weights: give weights"):
        shipped_weights()
