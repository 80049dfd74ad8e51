"""How far the colours of two photos lie apart, wherever in the photos they are."""

from __future__ import annotations

from torch import Tensor


def colour_distribution_loss(generated: Tensor, target: Tensor) -> Tensor:
    """Return the mean distance between the colour distributions of two (B, 3, H, W) batches, in their own units.

    That is the Wasserstein distance of order 1 between the values of each channel of each photo: the mean difference
    of the sorted values. A loss on pixels pulls towards grey where a colour's place is unknown; this one does not.
    Raises ValueError for images of different shape.
    Source: Peyre and Cuturi 2019, Computational Optimal Transport, remark 2.28.
    """
    if generated.shape != target.shape:
        raise ValueError(f"expected two batches of one shape, got {tuple(generated.shape)} and {tuple(target.shape)}")
    found, wanted = (photos.float().flatten(2).sort(-1).values for photos in (generated, target))
    return (found - wanted).abs().mean()
