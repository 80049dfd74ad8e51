"""The Wasserstein losses of a critic and of what it judges, and the gradient penalty that keeps the critic smooth."""

from collections.abc import Callable

import torch
from torch import Tensor


def critic_wasserstein(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Return the scalar loss of a critic, mean fake score minus mean real score, in float32 (Arjovsky et al. 2017)."""
    return fake_scores.float().mean() - real_scores.float().mean()


def generator_wasserstein(fake_scores: Tensor) -> Tensor:
    """Return the scalar loss of what made the fakes: minus their mean score, in float32."""
    return -fake_scores.float().mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Return the mean over the batch of (slope - 1)^2 of a critic between real and fake vectors, both (B, n).

    The slope is the norm of the critic's gradient at a random point on the line between the two, one draw a pair.
    The weight is the caller's; the result can be differentiated again. Source: Gulrajani et al. 2017 (WGAN-GP).
    """
    share = torch.rand(len(real), 1, device=real.device, dtype=real.dtype)
    between = (real + share * (fake - real)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).float().sum(), between, create_graph=True)
    penalty: Tensor = (gradient.float().norm(dim=1) - 1).square().mean()
    return penalty
