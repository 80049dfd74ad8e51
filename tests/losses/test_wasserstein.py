import pytest
import torch
from torch import nn

from posegan.losses import critic_wasserstein, generator_wasserstein, gradient_penalty


def test_by_hand() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.0, 4.0])
    assert critic_wasserstein(real, fake).item() == 1 - 2
    assert generator_wasserstein(fake).item() == -1
    assert critic_wasserstein(real.bfloat16(), fake.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize(("slope", "penalty"), [([3.0, 4.0], 16.0), ([0.6, 0.8], 0.0), ([0.0, 0.0], 1.0)])
def test_the_penalty_of_a_linear_critic_is_that_of_its_slope(slope: list[float], penalty: float) -> None:
    weight = torch.tensor(slope)
    found = gradient_penalty(lambda x: x @ weight, torch.randn(5, 2), torch.randn(5, 2))
    assert found.item() == pytest.approx(penalty, abs=1e-5)


def test_slopes_are_taken_between_real_and_fake_each_pair_at_a_point_of_its_own() -> None:
    """The slope of x^2 / 2 is x itself, so the penalty tells the points."""
    real, fake = torch.zeros(2000, 1), torch.full((2000, 1), 3.0)
    torch.manual_seed(0)
    found = gradient_penalty(lambda x: 0.5 * x.square(), real, fake)
    assert found.item() == pytest.approx(1, abs=0.1)  # mean of (3u - 1)^2 over u in [0, 1]


def test_the_penalty_trains_the_critic_and_nothing_else() -> None:
    critic = nn.Linear(3, 1, bias=False)
    real, fake = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    penalty = gradient_penalty(critic, real, fake)
    gradients = torch.autograd.grad(penalty, [critic.weight, real, fake], allow_unused=True)
    slope = critic.weight.norm()
    torch.testing.assert_close(gradients[0], 2 * (slope - 1) * critic.weight / slope)
    assert gradients[1:] == (None, None)
