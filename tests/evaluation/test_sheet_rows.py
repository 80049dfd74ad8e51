"""Which pairs a sheet shows, and how rows and tables look."""

from __future__ import annotations

import math

import torch

from posegan.evaluation.report import text_table
from posegan.evaluation.sheet import choose_rows, comparison, lay_out, stages
from posegan.images import to_bytes
from posegan.models import Output

from ..pairs import pairs


def test_fixed_rows_do_not_depend_on_the_scores() -> None:
    first, second = (choose_rows(torch.rand(100, generator=torch.Generator().manual_seed(s))) for s in (0, 1))
    assert first["fixed"] == second["fixed"]
    assert len(set(first["fixed"])) == 8
    assert (first["fixed"][0], first["fixed"][-1]) == (0, 99)


def test_ranked_rows() -> None:
    rows = choose_rows(torch.tensor([0.5, 0.1, 0.9, 0.3, 0.7, 0.2]))
    assert rows["worst"] == [1, 5]
    assert rows["median"] == [3, 0]
    assert rows["best"] == [4, 2]
    assert choose_rows(torch.tensor([0.5])) == {"fixed": [0], "worst": [0], "median": [0], "best": [0]}


def test_sheet_in_two_blocks() -> None:
    cells = torch.full((5, 3, 3, 20, 10), 7, dtype=torch.uint8)
    sheet = lay_out(cells, ("a", "b", "c"), [str(i) for i in range(5)])
    assert sheet.height == 14 + 3 * (20 + 14 + 4)
    pixels = torch.frombuffer(bytearray(sheet.tobytes()), dtype=torch.uint8)
    assert int((pixels == 7).sum()) >= cells.numel()


def test_a_sheet_shows_what_came_before_the_result_enlarged_pixel_by_pixel() -> None:
    batch = pairs(2, (8, 4))
    image, scale, coarse = (torch.rand(2, 3, h, h // 2) for h in (8, 2, 8))
    output = Output(
        image, {"flow": [torch.rand(2, 2, 8, 4)], "scales": [scale, image], "coarse": [coarse, coarse[:, :1]]}
    )
    found = stages(output)
    assert list(found) == ["coarse 0", "scales 0"]
    assert torch.equal(found["coarse 0"], coarse)
    assert torch.equal(found["scales 0"], scale.repeat_interleave(4, 2).repeat_interleave(4, 3))
    columns = comparison(batch, output)
    names = ["source", "source pose", "target pose", "target", "coarse 0", "scales 0", "generated"]
    assert list(columns) == names
    assert all(column.shape == (2, 3, 8, 4) and column.dtype == torch.uint8 for column in columns.values())
    assert torch.equal(columns["generated"], to_bytes(image))
    assert torch.equal(columns["target"], to_bytes(batch.target_image))
    assert list(comparison(batch, Output(image))) == names[:4] + names[-1:]


def test_table_aligns_and_shows_no_infinity() -> None:
    table = text_table({"real": {"l1": 0.0, "psnr": math.inf}, "source copied": {"l1": 0.25, "psnr": 12.0}})
    assert table.splitlines() == [
        "                    l1     psnr",
        "real            0.0000        -",
        "source copied   0.2500  12.0000",
    ]
