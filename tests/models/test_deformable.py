"""Deformable GAN: the published sizes, counts, inputs and losses, and what its options change."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.features import KINDS, FeatureNetwork
from posegan.losses import nearest_neighbour_loss
from posegan.models import StepContext, count_parameters, create_model
from posegan.models.deformable import DeformableGAN, Localisation, _warp_unit, encoder_channels
from posegan.pose import render_heatmap

from ..layers.test_features import random_distilled
from ..pairs import FRAME, pairs, people, photos, standing

WARPS = ("none", "full", "mask", "stn")


def tiny(**config: object) -> DeformableGAN:
    torch.manual_seed(0)
    model = create_model("deformable", **{"width": 2, "features": "none", **config})
    assert isinstance(model, DeformableGAN)
    return model


def draw(model: DeformableGAN, batch: Batch) -> Tensor:
    with torch.no_grad():
        return model.generator(batch.source_image, batch.source_pose, batch.target_pose).image


def context(model: DeformableGAN, *batches: Batch) -> StepContext:
    return StepContext(model, batches, 0)


@pytest.mark.parametrize(
    ("size", "warp", "count"),
    [
        ((128, 64), "mask", 61_109_085),
        ((256, 256), "mask", 82_080_611),
        ((128, 64), "none", 36_072_533),
        ((256, 256), "none", 48_655_449),
    ],
)
def test_parameter_counts_are_those_of_the_released_code(size, warp, count):
    with torch.device("meta"):
        model = create_model("deformable", size=size, warp=warp)
    assert count_parameters(model.generator) == count
    assert count_parameters(model.discriminators) == 2_803_782


def test_only_the_learned_warp_has_further_parameters():
    counts = {warp: count_parameters(tiny(warp=warp).generator) for warp in WARPS}
    assert counts["full"] == counts["mask"] > counts["none"]
    assert counts["stn"] - counts["mask"] == 72 * 64 + 64 + 64 * 32 + 32 + 32 * 6 + 6


def test_encoders_have_the_published_channels():
    assert encoder_channels((128, 64), 64) == [64, 128, 256, 512, 512, 512]
    assert encoder_channels((256, 256), 64) == [64, 128, 256, 512, 512, 512, 512]


def test_the_decoder_has_the_published_channels_and_dropout_in_its_first_three_steps():
    with torch.device("meta"):
        blocks = create_model("deformable").generator.decoder.blocks
    assert [b.conv.out_channels for b in blocks] == [512, 512, 512, 256, 128]
    assert [isinstance(b.dropout, nn.Dropout) for b in blocks] == [True, True, True, False, False]


@pytest.mark.parametrize(("size", "expected"), [((128, 64), (3, 1)), ((256, 256), (7, 7))])
def test_the_discriminator_judges_a_map_of_the_published_size(size, expected):
    model = tiny(size=size)
    batch = pairs(1, size)
    logits = model.discriminators["call"](*model._judge(context(model, batch), 0, batch.target_image))
    assert logits.shape == (1, 1, *expected)


@pytest.mark.parametrize("warp", WARPS)
def test_every_warp_draws_pictures_that_depend_on_both_poses_and_the_photo(warp):
    model, batch = tiny(warp=warp).eval(), pairs(2)
    image = draw(model, batch)
    assert image.shape == (2, 3, *FRAME)
    assert image.abs().max() <= 1
    others = {
        "photo": Batch(photos(2, FRAME, 5), batch.target_image, batch.source_pose, batch.target_pose),
        "source": Batch(batch.source_image, batch.target_image, people(2, FRAME, 7), batch.target_pose),
        "target": Batch(batch.source_image, batch.target_image, batch.source_pose, people(2, FRAME, 7)),
    }
    for other in others.values():
        assert not torch.allclose(draw(model, other), image, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [{"sampling": "bilinear"}, {"aggregation": "avg"}, {"norm": "instance"}, {"sigma": 3.0}, {"warp": "none"}],
    ids=lambda options: "-".join(options),
)
def test_options_change_the_picture(options):
    batch = pairs(2)
    assert not torch.allclose(draw(tiny(**options).eval(), batch), draw(tiny().eval(), batch), atol=1e-5)


def test_an_unknown_option_or_value_is_refused():
    with pytest.raises(UserError, match="Unknown option of model 'deformable': 'wrap'; did you mean 'warp'"):
        create_model("deformable", wrap="mask")
    with pytest.raises(UserError, match=r"model\.warp is 'masks': it must be one of none, full, mask, stn"):
        create_model("deformable", warp="masks")


@pytest.mark.parametrize("size", [(100, 50), (33, 17)])
def test_other_sizes_are_padded_at_the_far_edges_only(size):
    model = tiny().eval()
    photo = photos(1, size, 0)
    padded = model.generator.fit(photo)
    assert [side % 32 for side in padded.shape[-2:]] == [0, 0]
    assert torch.equal(padded[..., : size[0], : size[1]], photo)
    assert torch.equal(padded[..., -1, : size[1]], photo[..., -1, :])
    assert torch.equal(padded[..., : size[0], -1], photo[..., -1])
    assert draw(model, pairs(1, size)).shape == (1, 3, *size)


def test_skips_are_warped_down_to_an_eighth_and_deeper_ones_stay():
    model = tiny().eval()
    source, target = standing(), standing(16, -16)
    maps = [torch.rand(1, c, 128 >> i, 64 >> i) for i, c in enumerate([2, 4, 8, 16, 16, 16])]
    warped = model.generator._warp(maps, source, target, FRAME)
    for i, (before, after) in enumerate(zip(maps, warped, strict=True)):
        shift = 16 >> i
        if i < 4:
            assert torch.equal(after[..., :-shift, shift:], before[..., shift:, :-shift])
        else:
            assert after is before


def test_the_generator_sees_photo_and_heatmaps_in_the_published_order():
    model, batch = tiny().eval(), pairs(2)
    seen: dict[str, Tensor] = {}
    for name in ("appearance", "pose"):
        getattr(model.generator, name).register_forward_pre_hook(
            lambda _, args, name=name: seen.update({name: args[0]})
        )
    draw(model, batch)
    maps = [render_heatmap(pose, FRAME, 6.0) for pose in (batch.source_pose, batch.target_pose)]
    torch.testing.assert_close(seen["appearance"], torch.cat([batch.source_image, maps[0]], 1))
    torch.testing.assert_close(seen["pose"], maps[1])


def test_the_baseline_sees_everything_in_one_encoder():
    model, batch = tiny(warp="none").eval(), pairs(2)
    seen: list[Tensor] = []
    model.generator.appearance.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    draw(model, batch)
    maps = [render_heatmap(pose, FRAME, 6.0) for pose in (batch.source_pose, batch.target_pose)]
    torch.testing.assert_close(seen[0], torch.cat([batch.source_image, *maps], 1))


def test_the_discriminator_sees_source_then_candidate_each_with_its_heatmaps():
    model, batch = tiny().eval(), pairs(2)
    seen: list[Tensor] = []
    model.discriminators["call"].first.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    step = context(model, batch)
    model.discriminator_losses(step)
    maps = [render_heatmap(pose, FRAME, 6.0) for pose in (batch.source_pose, batch.target_pose)]
    real = torch.cat([batch.source_image, maps[0], batch.target_image, maps[1]], 1)
    fake = torch.cat([batch.source_image, maps[0], step.fake(), maps[1]], 1)
    torch.testing.assert_close(seen[0], torch.cat([real, fake]))


def test_dropout_acts_in_training_only():
    model, batch = tiny(), pairs(1)
    assert not torch.equal(draw(model, batch), draw(model, batch))
    model.eval()
    assert torch.equal(draw(model, batch), draw(model, batch))


class TestLearnedWarp:
    def test_it_starts_as_the_identity(self):
        localisation = Localisation()
        localisation.start_at_identity()
        theta = localisation(people(3, FRAME, 0), people(3, FRAME, 1))
        assert torch.equal(theta, torch.eye(2, 3).expand(3, 2, 3))
        features = torch.randn(3, 2, 16, 8)
        torch.testing.assert_close(_warp_unit(features, theta), features, rtol=0, atol=1e-5)

    def test_it_reads_y_x_of_source_then_target_with_minus_one_for_missing(self):
        localisation = Localisation()
        seen: list[Tensor] = []
        localisation.layers.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        localisation(standing(), standing(1, 2, missing=(0,)))
        assert seen[0].shape == (1, 72)
        assert seen[0][0, :4].tolist() == [14, 32, 28, 32]
        assert seen[0][0, 36:40].tolist() == [-1, -1, 30, 33]

    def test_its_last_layer_learns_at_once_and_the_others_from_then_on(self):
        model, batch = tiny(warp="stn", reconstruction="pixels"), pairs(2)
        layers = model.generator.localisation.layers

        def gradients() -> list[float]:
            model.zero_grad()
            sum(model.generator_losses(context(model, batch)).values()).backward()
            return [layers[i].weight.grad.abs().max().item() for i in (0, 2, 4)]

        first, second, last = gradients()
        assert (first, second) == (0, 0)
        assert last > 0
        with torch.no_grad():
            layers[4].weight -= 1e-6 * layers[4].weight.grad.sign()
        assert min(gradients()) > 0

    def test_half_precision_features_stay_in_place(self):
        stripes = (torch.arange(64) % 2).expand(1, 1, 4, 64).bfloat16()
        warped = _warp_unit(stripes, torch.eye(2, 3, dtype=torch.bfloat16)[None])
        torch.testing.assert_close(warped, stripes, rtol=0, atol=1e-4)


class TestLosses:
    def judged(self, model: DeformableGAN, batch: Batch, photo: Tensor) -> Tensor:
        return model.discriminators["call"](*model._judge(context(model, batch), 0, photo)).sigmoid()

    def test_the_discriminator_lowers_minus_log_of_real_and_of_one_minus_fake(self):
        model, batch = tiny().eval(), pairs(3)
        real, fake = self.judged(model, batch, batch.target_image), self.judged(model, batch, draw(model, batch))
        losses = model.discriminator_losses(context(model, batch))
        assert losses.keys() == {"d_adversarial"}
        expected = -real.log().mean() - (1 - fake).log().mean()  # real and fake in passes of their own
        torch.testing.assert_close(losses["d_adversarial"], expected)

    def test_the_generator_lowers_minus_log_of_fake(self):
        model, batch = tiny().eval(), pairs(3)
        losses = model.generator_losses(context(model, batch))
        assert losses.keys() == {"g_adversarial", "g_reconstruction"}
        expected = -self.judged(model, batch, draw(model, batch)).log().mean()
        torch.testing.assert_close(losses["g_adversarial"], expected)

    @pytest.mark.parametrize("weight", [100.0, 0.5])
    def test_reconstruction_of_pixels_is_the_weighted_mean_distance(self, weight):
        model, batch = tiny(reconstruction="pixels", reconstruction_weight=weight).eval(), pairs(2)
        expected = weight * (draw(model, batch) - batch.target_image).abs().mean()
        torch.testing.assert_close(model.generator_losses(context(model, batch))["g_reconstruction"], expected)

    @pytest.mark.parametrize("window", [1, 5])
    def test_nearest_reconstruction_without_features_searches_pixels(self, window):
        model, batch = tiny(window=window, reconstruction_weight=2.0).eval(), pairs(2)
        expected = 2.0 * nearest_neighbour_loss(draw(model, batch), batch.target_image, window)
        torch.testing.assert_close(model.generator_losses(context(model, batch))["g_reconstruction"], expected)

    @pytest.mark.parametrize("reconstruction", ["features", "nearest"])
    def test_reconstruction_on_features_compares_the_chosen_layer(self, reconstruction):
        model = tiny(reconstruction=reconstruction, feature_layer="relu2_1", reconstruction_weight=3.0).eval()
        model.features = FeatureNetwork(KINDS["vgg19_distilled"], random_distilled())
        batch = pairs(2)
        found, wanted = (
            model.features(image, ("relu2_1",))["relu2_1"] for image in (draw(model, batch), batch.target_image)
        )
        distance = (
            (found - wanted).abs().mean() if reconstruction == "features" else nearest_neighbour_loss(found, wanted, 3)
        )
        loss = model.generator_losses(context(model, batch))["g_reconstruction"]
        torch.testing.assert_close(loss, 3.0 * distance)
        assert torch.autograd.grad(loss, model.generator.decoder.last.weight)[0].abs().sum() > 0

    def test_frozen_features_are_no_part_of_what_is_trained_or_saved(self):
        model = tiny()
        before = list(model.state_dict())
        model.features = FeatureNetwork(KINDS["vgg19_distilled"], random_distilled())
        assert list(model.state_dict()) == before
        assert not list(model.features.parameters())


class TestBatches:
    def passes(self, model: DeformableGAN) -> list[int]:
        """Record the generator's passes from now on."""
        made: list[int] = []
        model.generator.register_forward_hook(lambda *_: made.append(1))
        return made

    def both(self, model: DeformableGAN, *batches: Batch) -> dict[str, Tensor]:
        step = context(model, *batches)
        return model.discriminator_losses(step) | model.generator_losses(step)

    def test_shared_batches_cost_one_pass_and_independent_ones_two(self):
        for batches, count in ((1, 1), (3, 2)):
            model = tiny()
            made = self.passes(model)
            self.both(model, *[pairs(1, seed=i) for i in range(batches)])
            assert len(made) == count

    def test_the_phase_draws_as_many_batches_as_the_option_says(self):
        assert tiny().phases()[0].streams == 1
        assert tiny(batches="independent").phases()[0].streams == 3

    def test_real_pairs_fakes_and_the_generator_use_a_stream_each(self):
        model = tiny(batches="independent").eval()
        batches = [pairs(2, seed=i) for i in range(3)]
        judged: Callable[[Batch, Tensor], Tensor] = lambda b, photo: TestLosses().judged(model, b, photo)  # noqa: E731
        losses = self.both(model, *batches)
        real, fake = judged(batches[0], batches[0].target_image), judged(batches[1], draw(model, batches[1]))
        torch.testing.assert_close(losses["d_adversarial"], -real.log().mean() - (1 - fake).log().mean())
        torch.testing.assert_close(losses["g_adversarial"], -judged(batches[2], draw(model, batches[2])).log().mean())
        distance = nearest_neighbour_loss(draw(model, batches[2]), batches[2].target_image, 3)
        torch.testing.assert_close(losses["g_reconstruction"], 0.01 * distance)

    def test_the_discriminator_loss_has_no_way_into_the_generator(self):
        model = tiny()
        for batches in ((pairs(1),), tuple(pairs(1, seed=i) for i in range(3))):
            loss = model.discriminator_losses(context(model, *batches))["d_adversarial"]
            found = torch.autograd.grad(loss, list(model.generator.parameters()), allow_unused=True)
            assert all(g is None for g in found)


def test_the_schedule_is_the_published_one():
    model = tiny()
    (phase,) = model.phases()
    assert [u.name for u in phase.updates] == ["discriminator", "generator"]
    assert [u.modules for u in phase.updates] == [(model.discriminators,), (model.generator,)]
    for update in phase.updates:
        chosen = update.optimiser
        assert (chosen.lr, chosen.beta1, chosen.beta2, chosen.eps, update.every) == (2e-4, 0.5, 0.999, 1e-8, 1)
