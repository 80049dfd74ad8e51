"""The divergence between Gaussians of unit variance, of which networks predict the means only."""

from torch import Tensor


def unit_gaussian_kl(posterior_mean: Tensor, prior_mean: Tensor) -> Tensor:
    """Return KL(N(posterior, 1) | N(prior, 1)) = 0.5 * sum of (posterior - prior)^2, the mean over the batch.

    Both (B, ...), the sum runs over all but the batch, in float32. Source: VUNet (Esser et al. 2018).
    """
    if posterior_mean.shape != prior_mean.shape:
        raise ValueError(f"means of different shape: {tuple(posterior_mean.shape)} and {tuple(prior_mean.shape)}")
    difference = (posterior_mean.float() - prior_mean.float()).flatten(1)
    return 0.5 * difference.square().sum(1).mean()
