"""What generators compute from poses must trace with a free batch size: no data-dependent shape, no torch.linalg."""

import pytest
import torch
from torch import Tensor, nn

from posegan.pose import Pose, full_affine, part_affines, part_masks, render_discs, render_heatmap

from .people import FRAME, random_people


class Geometry(nn.Module):
    def forward(self, xy1: Tensor, seen1: Tensor, xy2: Tensor, seen2: Tensor) -> tuple[Tensor, ...]:
        source, target = Pose(xy1, seen1), Pose(xy2, seen2)
        maps = render_heatmap(target, FRAME), render_heatmap(target, (16, 8), frame=FRAME), render_discs(source, FRAME)
        return part_affines(source, target), full_affine(source, target), part_masks(target, FRAME), *maps


@pytest.mark.contract  # tracing takes seconds
def test_the_geometry_of_generators_traces_with_a_free_batch_size():
    def inputs(count: int) -> tuple[Tensor, ...]:
        source, target = random_people(count, 0), random_people(count, 1)
        return source.xy, source.visible, target.xy, target.visible

    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(Geometry(), inputs(3), dynamic_shapes=[{0: batch}] * 4, strict=False)
    assert not [n.name for n in program.graph.nodes if any(s in str(n.target) for s in ("linalg", "_local_scalar"))]
    for traced, eager in zip(program.module()(*inputs(5)), Geometry()(*inputs(5)), strict=True):
        assert torch.equal(traced, eager)
