import pytest
import torch
from torch.distributions import Normal, kl_divergence

from posegan.losses import unit_gaussian_kl


def test_it_is_the_divergence_of_unit_gaussians() -> None:
    torch.manual_seed(0)
    q, p = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    expected = kl_divergence(Normal(q, 1.0), Normal(p, 1.0)).sum((1, 2, 3)).mean()
    torch.testing.assert_close(unit_gaussian_kl(q, p), expected)


def test_by_hand_and_zero_for_equal_means() -> None:
    q = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    assert unit_gaussian_kl(q, torch.zeros(2, 2)).item() == 0.5 * (1 + 4) / 2
    assert unit_gaussian_kl(q, q).item() == 0


def test_low_precision_is_summed_in_float32_and_shapes_must_agree() -> None:
    assert unit_gaussian_kl(torch.ones(2, 2).bfloat16(), torch.zeros(2, 2)).dtype == torch.float32
    with pytest.raises(ValueError, match="different shape"):
        unit_gaussian_kl(torch.zeros(2, 2), torch.zeros(2, 1))
