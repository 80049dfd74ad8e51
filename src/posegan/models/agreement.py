"""Two losses on how far a generated photo agrees with its target, which every system trained on pairs can borrow.

They are `posegan`'s; no paper of the others has them, so their weights are 0 unless a recipe says otherwise. `pg2` adds
them to its second stage. What they are worth is measured in recipes/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from posegan.config import require_at_least
from posegan.losses import colour_distribution_loss, structural_loss
from posegan.models.base import Losses, ModelConfig


@dataclass(frozen=True)
class AgreementConfig(ModelConfig):
    """Settings of models whose generator can also be trained for structure and colours."""

    structural_weight: float = 0.0
    """Weight of one minus the structural similarity; not in the papers."""
    colour_weight: float = 0.0
    """Weight of the distance between the colours of the whole photos, wherever they are; not in the papers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 0, "structural_weight", "colour_weight")

    def agreement_losses(self, image: Tensor, target: Tensor) -> Losses:
        """Return the weighted terms of two (B, 3, H, W) batches in [-1, 1], none whose weight is 0."""
        losses: Losses = {}
        if self.structural_weight > 0:
            losses["g_structural"] = self.structural_weight * structural_loss(image, target)
        if self.colour_weight > 0:
            losses["g_colour"] = self.colour_weight * colour_distribution_loss(image, target)
        return losses
