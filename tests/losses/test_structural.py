import pytest
import torch
import torch.nn.functional as F

from posegan.losses import structural_loss
from posegan.metrics import ssim


def pictures(count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    smooth = F.interpolate(torch.rand(2 * count, 3, 8, 4, generator=generator), (32, 16), mode="bilinear")
    noisy = 255 * (0.8 * smooth + 0.2 * torch.rand(2 * count, 3, 32, 16, generator=generator))
    eight_bit = noisy.round() / 127.5 - 1  # so that the metric rounds nothing away
    return eight_bit[:count], eight_bit[count:]


def test_it_is_one_minus_the_metric() -> None:
    generated, target = pictures()
    assert structural_loss(generated, target).item() == pytest.approx(
        1 - ssim(generated, target, "standard").mean().item(), abs=1e-5
    )


def test_a_picture_and_itself_and_its_negative() -> None:
    picture, _ = pictures()
    assert structural_loss(picture, picture).item() == pytest.approx(0, abs=1e-6)
    assert structural_loss(picture, -picture) > 1


def test_flat_grey_by_hand() -> None:
    dark, light = torch.full((1, 3, 11, 11), -0.5), torch.full((1, 3, 11, 11), 0.5)
    by_hand = 1 - (2 * 0.25 * 0.75 + 0.0001) / (0.25**2 + 0.75**2 + 0.0001)
    assert structural_loss(dark, light).item() == pytest.approx(by_hand, abs=1e-4)


def test_a_step_along_the_gradient_makes_it_smaller() -> None:
    generated, target = pictures()
    generated.requires_grad_()
    loss = structural_loss(generated, target)
    (slope,) = torch.autograd.grad(loss, generated)
    assert slope.isfinite().all()
    assert structural_loss(generated - 10 * slope, target) < loss


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="one shape"):
        structural_loss(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 15))
    with pytest.raises(ValueError, match="11 pixels"):
        structural_loss(torch.zeros(1, 3, 10, 16), torch.zeros(1, 3, 10, 16))
