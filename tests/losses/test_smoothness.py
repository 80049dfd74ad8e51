import pytest
import torch

from posegan.losses import offset_smoothness_loss


def ramp(slope_x: float, slope_y: float, height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (slope_x * x + slope_y * y).expand(2, 2, height, width)


def test_slopes_add_up_and_scales_are_averaged() -> None:
    assert offset_smoothness_loss([ramp(0.5, -0.25, 6, 4)]).item() == pytest.approx(0.75)
    assert offset_smoothness_loss([ramp(0.5, -0.25, 6, 4), ramp(1, 0, 3, 2)]).item() == pytest.approx(0.875)


def test_a_rigid_shift_is_free_and_thin_maps_are_finite() -> None:
    assert offset_smoothness_loss([torch.full((1, 2, 4, 4), 7.0)]) == 0
    assert offset_smoothness_loss([ramp(1, 2, 5, 1)]).item() == pytest.approx(2)
    assert offset_smoothness_loss([torch.ones(1, 2, 1, 1)]) == 0


def test_gradients_reach_every_scale() -> None:
    flows = [torch.randn(2, 2, n, n, requires_grad=True) for n in (2, 4)]
    offset_smoothness_loss(flows).backward()
    assert all(flow.grad is not None and flow.grad.abs().sum() > 0 for flow in flows)


def test_no_flow_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        offset_smoothness_loss([])
