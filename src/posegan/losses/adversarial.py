"""Adversarial losses on logits, and the R1 penalty. Discriminators return logits of any shape; no sigmoid before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.errors import unknown_name


@dataclass(frozen=True)
class _Kind:
    """Element-wise losses of a logit: for the generator's fake, the discriminator's real and its fake."""

    generator: Callable[[Tensor], Tensor]
    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]


KINDS = {
    # -log D with D = sigmoid(logit), the generator's non-saturating. Goodfellow et al. 2014; Deformable GAN's
    # -log(D + 1e-7) is the same up to the epsilon.
    "bce": _Kind(lambda x: F.softplus(-x), lambda x: F.softplus(-x), F.softplus),
    # Mao et al. 2017, targets 1 and 0, with their factor 1/2
    "lsgan": _Kind(lambda x: 0.5 * (x - 1).square(), lambda x: 0.5 * (x - 1).square(), lambda x: 0.5 * x.square()),
    # Lim and Ye 2017
    "hinge": _Kind(torch.neg, lambda x: F.relu(1 - x), lambda x: F.relu(1 + x)),
}


def generator_adversarial(fake_logits: Tensor, kind: str = "bce") -> Tensor:
    """Return the scalar loss of a generator whose fakes received these logits, the mean over all elements, in float32.

    kind: "bce", "lsgan" or "hinge". Raises UserError for another one.
    """
    return _kind(kind).generator(fake_logits.float()).mean()


def discriminator_adversarial(real_logits: Tensor, fake_logits: Tensor, kind: str = "bce") -> Tensor:
    """Return the scalar loss of a discriminator: mean over the real elements plus mean over the fake ones, in float32.

    kind: "bce", "lsgan" or "hinge". Raises UserError for another one.
    """
    chosen = _kind(kind)
    return chosen.real(real_logits.float()).mean() + chosen.fake(fake_logits.float()).mean()


def gan_r1(real_logits: Tensor, real_images: Tensor) -> Tensor:
    """Return half the squared norm of d(sum of logits)/d(images), the mean over the batch (Mescheder et al. 2018, R1).

    real_images: (B, ...), must have required gradients when `real_logits` was computed from it. The weight gamma is
    the caller's. The result can be differentiated again.
    """
    (gradient,) = torch.autograd.grad(real_logits.float().sum(), real_images, create_graph=True)
    return 0.5 * gradient.float().square().flatten(1).sum(1).mean()


def _kind(name: str) -> _Kind:
    if name not in KINDS:
        raise unknown_name("adversarial loss", name, KINDS)
    return KINDS[name]
