"""The sheet of a model's inside: what stands on it for a photo and for pairs, and how AdaPN's statistics are drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.errors import UserError
from posegan.evaluation import inspection
from posegan.evaluation.inspection import adapn_strips, inspect_data, inspect_photo, stage_strips
from posegan.evaluation.strips import GAP, LONGEST, Cell, Strip, in_letters, lay_out_strips
from posegan.files import sha256_of
from posegan.images import from_pil, read_photo, write_png
from posegan.inference.predictor import Predictor
from posegan.layers.adapn import STATISTICS
from posegan.models import Output, create_model
from posegan.pose import Pose
from tests.small_world import SIZE, photo, standing


def predictor_of(name: str, **config: object) -> Predictor:
    torch.manual_seed(0)
    return Predictor(create_model(name, **config).generator, SIZE, "cpu")


@pytest.fixture(scope="module")
def aps() -> Predictor:
    return predictor_of("aps", width=4, features="none")


def row(strips: list[Strip], title: str) -> list[Cell]:
    return next(list(strip.cells) for strip in strips if strip.title == title)


def test_every_kind_of_entry_is_drawn_and_described() -> None:
    image = torch.zeros(2, 3, 8, 4)
    grey = torch.linspace(0.25, 0.75, 16).view(1, 4, 2, 2).repeat(2, 1, 1, 1)  # means over channels: 0.45 to 0.55
    shift = torch.zeros(2, 2, 4, 2)
    shift[1, :, 0, 0] = torch.tensor([3.0, 4.0])
    aux = {
        "coarse": [torch.full((2, 3, 4, 2), 1.0), image],
        "mask": [grey],
        "flow": [shift],
        "parts": [torch.rand(2, 3, 1, 4, 2)],
        "latent": [torch.zeros(2, 5)],
    }
    first, second = stage_strips(Output(image, aux), (16, 8))
    assert [s.title for s in second] == ["coarse, mask, flow", "parts"]
    coarse, mask, flow = row(second, "coarse, mask, flow")
    assert coarse.lines == ("coarse", "4x2"), "the photo itself is no stage"
    assert (coarse.picture == 255).all()
    assert mask.lines == ("mask", "2x2, 4 channels", "0.450 to 0.550")
    assert mask.picture.shape == (3, 16, 8)
    assert [mask.picture[:, y, x].tolist() for y, x in ((0, 0), (15, 7))] == [[0] * 3, [255] * 3]
    assert flow.lines[2] == "longest 5 px"
    assert row(first, "coarse, mask, flow")[2].lines[2] == "longest 0 px"
    assert len(row(first, "parts")) == 3


def test_each_photo_is_drawn_on_its_own_scale() -> None:
    mask = torch.tensor([[0.0, 1.0], [0.0, 0.1]]).view(2, 1, 1, 2).expand(2, 1, 2, 2)
    strips = stage_strips(Output(torch.zeros(2, 3, 4, 4), {"mask": [mask]}), (4, 4))
    assert [row(s, "mask")[0].lines[1] for s in strips] == ["0.000 to 1.000", "0.000 to 0.100"]
    assert row(strips[0], "mask")[0].picture.equal(row(strips[1], "mask")[0].picture)


def patches(*values: float) -> Tensor:
    """Statistics (1, 4, 1, 2) of one modulation, all four alike."""
    return torch.tensor(values).view(1, 1, 1, 2).expand(1, 4, 1, 2)


def test_statistics_share_one_scale_and_show_the_sign() -> None:
    (strips,) = adapn_strips([patches(0.0, 0.5), patches(-1.0, 0.5)], (4, 8))
    assert [s.title.partition(" over")[0] for s in strips] == [f"AdaPN: {name}" for name in STATISTICS]
    assert "white 0, red 1.00, blue -1.00" in strips[0].title
    assert "blue" not in strips[1].title, "deviations are never negative"
    before, after = strips[0].cells
    assert (before.lines, after.lines) == (("1 before conv", "0.000 to 0.500"), ("1 after conv", "-1.000 to 0.500"))
    assert (before.picture[:, :, :4] == 255).all()
    assert before.picture[:, :, 4:].equal(after.picture[:, :, 4:]), "equal values have equal colours in all layers"
    red, _, blue = before.picture[:, 0, 7].tolist()
    assert red > blue
    red, _, blue = after.picture[:, 0, 0].tolist()
    assert blue > red


def test_aps_shows_its_statistics_and_its_masks(aps: Predictor, market: Path) -> None:
    photo = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    source, pose = aps.prepare(photo)
    output = aps.output(source[None], Pose.stack([pose]), Pose.stack([aps.target("back")]))
    (strips,) = stage_strips(output, SIZE)
    levels = len(output.aux["attention"])
    assert [len(s.cells) for s in strips] == [2 * levels] * 4 + [levels] * 2
    assert [s.title for s in strips[4:]] == ["attention", "encoder_attention"]


def test_the_sheet_of_a_photo(aps: Predictor, market: Path, tmp_path: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    assert inspect_photo(aps, source, "back", tmp_path / "new" / "a.png")
    with Image.open(tmp_path / "new" / "a.png") as sheet:
        assert sheet.info["posegan:source"] == sha256_of(source)
    pixels = read_photo(tmp_path / "new" / "a.png")
    big = read_photo(source).repeat_interleave(2, -1).repeat_interleave(2, -2)
    top = next(y for y in range(40) if pixels[:, y : y + 256, GAP : GAP + 128].equal(big))
    assert top > GAP, "a title stands above"
    made = from_pil(aps.generate(source, "back")).repeat_interleave(2, -1).repeat_interleave(2, -2)
    lefts = range(GAP, pixels.shape[-1] - 128, 1)
    assert any(pixels[:, top : top + 256, left : left + 128].equal(made) for left in lefts), "what `generate` makes"
    inspect_photo(aps, source, "back", tmp_path / "b.png", metadata=False)
    with Image.open(tmp_path / "b.png") as sheet:
        assert sheet.info == {}


def test_the_sheet_of_pairs(market: Path, tmp_path: Path) -> None:
    predictor = predictor_of("deformable", width=4, warp="none", features="none")
    heights = []
    for count in (1, 2, 99):
        if count > inspection.MOST_PAIRS:
            with pytest.raises(UserError, match="too tall to look at: give a count of 32 or less"):
                inspect_data(predictor, market, tmp_path / f"{count}.png", count=count)
            continue
        assert not inspect_data(predictor, market, tmp_path / f"{count}.png", count=count), "there is nothing to show"
        heights.append(read_photo(tmp_path / f"{count}.png").shape[1] - GAP)
    assert heights[1] == 2 * heights[0]
    (tmp_path / "pairs.csv").write_text(
        "from,to\nnobody.png,0011_c1s1_000001_00.png\n0011_c1s1_000000_00.png,0011_c1s1_000001_00.png\n"
    )
    with pytest.raises(UserError, match="1 pairs whose photos or keypoints are not there, the first is nobody"):
        inspect_data(predictor, market, tmp_path / "c.png", pairs=tmp_path / "pairs.csv")


def test_models_that_warp_show_what_they_warped(market: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    for name, config, sizes in (
        ("deformable", {"width": 4}, ["128x64", "64x32", "32x16", "16x8"]),
        ("sdgan", {"width": 4}, ["128x64", "64x32", "32x16", "16x8"]),
        ("posegan", {"width": 8, "depth": 2, "blocks": 0, "attention": False}, ["32x16", "64x32", "128x64"]),
    ):
        predictor = predictor_of(name, **config)
        image, pose = predictor.prepare(source)
        output = predictor.output(image[None], Pose.stack([pose]), Pose.stack([predictor.target("back")]))
        (strips,) = stage_strips(output, SIZE)
        assert [cell.lines[0].partition(",")[0] for cell in row(strips, "warped")] == sizes
        training = predictor.generator.train()(image[None], Pose.stack([pose]), Pose.stack([predictor.target("back")]))
        assert "warped" not in training.aux, "training keeps no maps alive for nobody to look at"


@pytest.mark.usefixtures("blind")
def test_nothing_is_lost(aps: Predictor, market: Path, tmp_path: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    before = source.read_bytes()
    for given, pose in ((source, "back"), (tmp_path / "me.png", str(source))):
        with pytest.raises(UserError, match="would be lost"):
            inspect_photo(aps, given, pose, source)
    assert source.read_bytes() == before
    with pytest.raises(UserError, match=r"ends in \.png"):
        inspect_photo(aps, source, "back", tmp_path / "sheet.jpg")
    with pytest.raises(UserError, match="is a folder: give a file name"):
        inspect_data(aps, market, tmp_path)
    write_png(tmp_path / "me.png", photo(1, standing()))
    with pytest.raises(UserError, match="finds nobody in"):
        inspect_photo(aps, tmp_path / "me.png", "back", tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_a_long_strip_goes_on_in_the_next_line() -> None:
    cell = Cell(torch.zeros(3, 20, 90, dtype=torch.uint8), ("x", "y"))
    short, long = (lay_out_strips([Strip("title", [cell] * n)]) for n in (LONGEST, LONGEST + 1))
    assert short.width == long.width == LONGEST * (90 + GAP) + 2 * GAP
    assert long.height > short.height + 20


def test_captions_have_room() -> None:
    small = Cell(torch.zeros(3, 4, 4, dtype=torch.uint8), ("a caption that is longer than its picture",))
    sheet = lay_out_strips([Strip("", [small, small])])
    dark = torch.tensor(list(sheet.convert("L").tobytes())).view(sheet.height, sheet.width) < 128
    gap = dark[8:].any(0).nonzero()[:, 0]
    assert sheet.width > 300
    assert gap.max() < sheet.width - GAP, "no letter is cut off"


def test_names_are_written_in_the_letters_that_the_font_has() -> None:
    assert in_letters("Jürgen -> Zoë.png") == "Jurgen -> Zoe.png"
    assert in_letters("人ß.png") == "??.png"
