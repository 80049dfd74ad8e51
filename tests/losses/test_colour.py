import pytest
import torch

from posegan.losses import colour_distribution_loss


def test_where_a_colour_is_does_not_matter() -> None:
    photos = torch.rand(2, 3, 6, 4)
    shuffled = photos.flatten(2)[..., torch.randperm(24)].view_as(photos)
    assert colour_distribution_loss(photos, shuffled) == 0


def test_by_hand_two_pixels() -> None:
    generated = torch.tensor([0.5, -1.0, 0.0, 0.0, 0.0, 0.0]).view(1, 3, 1, 2)
    target = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.3, -0.3]).view(1, 3, 1, 2)
    # sorted: -1, 0.5 against 0, 1; nothing; 0, 0 against -0.3, 0.3
    assert colour_distribution_loss(generated, target).item() == pytest.approx((1 + 0.5 + 0 + 0 + 0.3 + 0.3) / 6)


def test_channels_and_photos_are_not_mixed() -> None:
    photos = torch.rand(2, 3, 6, 4)
    assert colour_distribution_loss(photos, photos.flip(0)) > 0
    assert colour_distribution_loss(photos, photos.flip(1)) > 0


def test_a_flat_photo_learns_the_contrast_of_its_target() -> None:
    target = torch.rand(1, 3, 8, 8) * 2 - 1
    generated = (0.1 * torch.randn(1, 3, 8, 8)).requires_grad_()
    optimiser = torch.optim.Adam([generated], lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        colour_distribution_loss(generated, target).backward()
        optimiser.step()
    assert generated.std().item() == pytest.approx(target.std().item(), rel=0.05)
    assert (generated - target).abs().mean() > 0.3  # the colours, not their places


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="one shape"):
        colour_distribution_loss(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5))
