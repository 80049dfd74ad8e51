import pytest
import torch

from posegan.losses import gram_loss


def test_by_hand() -> None:
    """Two channels over a 1x2 map: F F^T / 8 is [[5, 11], [11, 25]] / 8 for rows (1, 2) and (3, 4)."""
    f = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 2, 1, 2)
    assert gram_loss(f, torch.zeros_like(f)).item() == pytest.approx((5 + 11 + 11 + 25) / 8 / 4)


def test_it_is_blind_to_where_features_are_but_not_to_which_occur_together() -> None:
    torch.manual_seed(0)
    f = torch.randn(2, 3, 4, 4)
    assert gram_loss(f, f.flip(-1)).item() == pytest.approx(0, abs=1e-6)
    other = f.clone()
    other[:, 0] = other[:, 0].flip(-1)
    assert gram_loss(f, other) > 1e-3


def test_autocast_does_not_lower_its_precision() -> None:
    f, g = torch.randn(1, 8, 4, 4), torch.randn(1, 8, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(gram_loss(f, g), gram_loss(f.clone(), g))
        inside = gram_loss(f, g)
    assert torch.equal(inside, gram_loss(f, g))
