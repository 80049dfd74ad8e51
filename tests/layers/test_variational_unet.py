"""VUNet's networks: the maps that they see, what a latent depends on, and the order of the prior's groups."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.variational_unet import Decoder, Posterior, Prior, PyramidEncoder

WIDE = [2, 4, 8]  # full resolution first


def two_of(size: int, channels: int) -> tuple[Tensor, Tensor]:
    return torch.randn(1, channels, size, size), torch.randn(1, channels, size, size)


def test_the_encoder_keeps_both_maps_of_each_resolution() -> None:
    encoder, x = PyramidEncoder(5, WIDE, 0.0), torch.randn(1, 5, 16, 16)
    maps = encoder(x)
    assert [tuple(two.shape[1:]) for _, two in maps] == [(2, 16, 16), (4, 8, 8), (8, 4, 4)]
    for (one, two), (_, second), (before, _) in zip(maps, encoder.blocks, [*maps[1:], maps[0]], strict=True):
        torch.testing.assert_close(two, second(one))
        assert before is not one
    torch.testing.assert_close(maps[1][0], encoder.blocks[1][0](encoder.downs[0](maps[0][1])))


def test_the_posterior_draws_in_training_and_not_in_evaluation() -> None:
    torch.manual_seed(0)
    posterior, maps = Posterior([8, 8], 0.0), [two_of(2, 8), two_of(4, 8)]
    means, samples = posterior(maps)
    assert [m.shape[-1] for m in means] == [2, 4]
    noise = torch.cat([(s - m).flatten() for s, m in zip(samples, means, strict=True)])
    assert noise.std().item() == pytest.approx(1, abs=0.2)
    again, _ = posterior(maps)
    assert torch.equal(again[0], means[0])
    assert not torch.allclose(again[1], means[1])  # the second sees a sample of the first
    means, samples = posterior.eval()(maps)
    assert all(s is m for s, m in zip(samples, means, strict=True))


def test_the_posterior_starts_at_the_last_map_and_takes_the_second_before_the_first() -> None:
    posterior, maps = Posterior([8, 8], 0.0).eval(), [two_of(2, 8), two_of(4, 8)]
    h = posterior.before[0](posterior.first(maps[0][1]), maps[0][1])
    mean = posterior.means[0](h)
    h = posterior.ups[0](posterior.after[0](h, torch.cat([maps[0][0], mean], 1)))
    expected = posterior.means[1](posterior.before[1](h, maps[1][1]))
    means, _ = posterior(maps)
    torch.testing.assert_close(means[0], mean)
    torch.testing.assert_close(means[1], expected)


def test_the_priors_groups_see_only_the_pixels_before_them() -> None:
    """The pixels of each 2x2 come in reading order; a pixel's mean changes with those before it only."""
    torch.manual_seed(0)
    prior, h, latent = Prior(4, 0.0).eval(), torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    mean, sample = prior(h, latent)
    assert torch.equal(sample, latent)
    for i in range(4):
        other = latent.clone()
        other[..., i // 2, i % 2] += 1
        changed = (prior(h, other)[0] - mean).abs().amax(1).flatten() > 1e-6
        assert changed.tolist() == [j > i for j in range(4)]


def test_without_a_latent_the_prior_feeds_its_own_samples_back() -> None:
    torch.manual_seed(0)
    prior, h = Prior(4, 0.0).eval(), torch.randn(64, 4, 4, 4)
    mean, sample = prior(h, None)
    assert (sample - mean).std().item() == pytest.approx(1, abs=0.05)
    torch.testing.assert_close(prior(h, sample)[0], mean)


def test_the_decoder_takes_latents_at_its_lowest_resolutions_only() -> None:
    torch.manual_seed(0)
    decoder = Decoder([8, 4, 2], 2, 0.0).eval()
    maps, latents = [two_of(2, 8), two_of(4, 4), two_of(8, 2)], [torch.randn(1, 8, 2, 2), torch.randn(1, 4, 4, 4)]
    image, prior = decoder(maps, latents, judge=False)
    assert prior == []
    h = decoder.first(maps[0][1])
    for i in range(3):
        h = decoder.before[i](h if i == 0 else decoder.ups[i - 1](h), maps[i][1])
        if i < 2:
            h = decoder.joins[i](torch.cat([h, latents[i]], 1))
        h = decoder.after[i](h, maps[i][0])
    torch.testing.assert_close(image, decoder.last(h))
    assert image.shape == (1, 3, 8, 8)
    judged, prior = decoder(maps, latents, judge=True)
    assert torch.equal(judged, image)  # the prior judges the latents, it does not change them
    assert [p.shape for p in prior] == [z.shape for z in latents]


def test_without_latents_the_decoder_draws_them_from_the_prior() -> None:
    decoder, maps = Decoder([8, 4, 2], 2, 0.0).eval(), [two_of(2, 8), two_of(4, 4), two_of(8, 2)]
    images = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        images.append(decoder(maps, None, judge=False)[0])
    assert torch.equal(images[0], images[1])
    assert F.l1_loss(images[0], images[2]) > 1e-3
