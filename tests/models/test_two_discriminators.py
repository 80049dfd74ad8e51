"""The training frame of PATN and APS, with PATN for both: losses by hand, pools, order and schedule."""

import dataclasses

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.features import KINDS, FeatureNetwork
from posegan.models import StepContext, create_model
from posegan.models.patn import PATN, PATNConfig
from posegan.models.two_discriminators import TwoDiscriminatorConfig, learning_rate_factor
from posegan.pose import render_heatmap
from posegan.training.step import Stepper

from ..layers.test_features import random_distilled
from ..pairs import FRAME, pairs

NAMES = ("appearance", "shape")


def tiny(**config: object) -> PATN:
    torch.manual_seed(0)
    model = create_model("patn", **{"width": 2, "blocks": 1, "norm": "instance", "features": "none", **config})
    assert isinstance(model, PATN)
    return model


def context(model: PATN, batch: Batch) -> StepContext:
    return StepContext(model, (batch,), 0)


def judged(model: PATN, name: str, batch: Batch, photo: Tensor) -> Tensor:
    """Return the scores (B, 8, 32, 16) that a discriminator gives a photo."""
    maps = render_heatmap(batch.target_pose, FRAME, 6.0)
    condition = batch.source_image if name == "appearance" else maps
    scores: Tensor = model.discriminators[name](torch.cat([photo, condition], 1))
    return scores


class TestLosses:
    @pytest.mark.parametrize("weight", [5.0, 2.0])
    def test_cross_entropy_of_the_generator_has_half_the_weight_for_each_discriminator(self, weight):
        model, batch = tiny(gan_weight=weight).eval(), pairs(3)
        step = context(model, batch)
        losses = model.generator_losses(step)
        assert list(losses) == ["g_appearance", "g_shape", "g_pixel"]
        for name in NAMES:
            scores = judged(model, name, batch, step.generate().image).sigmoid()
            torch.testing.assert_close(losses[f"g_{name}"], weight / 2 * -scores.log().mean())

    def test_least_squares_of_the_generator_are_plain_mean_squares(self):
        model, batch = tiny(gan_loss="lsgan").eval(), pairs(3)
        step = context(model, batch)
        losses = model.generator_losses(step)
        for name in NAMES:
            scores = judged(model, name, batch, step.generate().image)
            torch.testing.assert_close(losses[f"g_{name}"], 2.5 * ((scores - 1) ** 2).mean())

    @pytest.mark.parametrize("name", NAMES)
    def test_cross_entropy_of_a_discriminator(self, name):
        model, batch = tiny().eval(), pairs(3)
        step = context(model, batch)
        losses = model.discriminator_losses(name, step)
        real = judged(model, name, batch, batch.target_image).sigmoid()
        fake = judged(model, name, batch, step.fake()).sigmoid()
        expected = 0.5 * 5 * (-real.log().mean() - (1 - fake).log().mean())
        assert losses.keys() == {f"d_{name}"}
        torch.testing.assert_close(losses[f"d_{name}"], expected)

    @pytest.mark.parametrize("name", NAMES)
    def test_least_squares_of_a_discriminator(self, name):
        model, batch = tiny(gan_loss="lsgan").eval(), pairs(3)
        step = context(model, batch)
        real, fake = (judged(model, name, batch, photo) for photo in (batch.target_image, step.fake()))
        expected = 0.5 * 5 * (((real - 1) ** 2).mean() + (fake**2).mean())
        torch.testing.assert_close(model.discriminator_losses(name, step)[f"d_{name}"], expected)

    @pytest.mark.parametrize("weight", [10.0, 1.0])
    def test_pixels_are_the_weighted_mean_distance(self, weight):
        model, batch = tiny(pixel_weight=weight).eval(), pairs(2)
        step = context(model, batch)
        expected = weight * (step.generate().image - batch.target_image).abs().mean()
        torch.testing.assert_close(model.generator_losses(step)["g_pixel"], expected)

    def test_features_are_compared_by_their_mean_distance_at_relu1_2(self):
        model, batch = tiny(perceptual_weight=3.0).eval(), pairs(2)
        model.features = FeatureNetwork(KINDS["vgg19_distilled"], random_distilled())
        step = context(model, batch)
        found, wanted = (
            model.features(photo, ("relu1_2",))["relu1_2"] for photo in (step.generate().image, batch.target_image)
        )
        loss = model.generator_losses(step)["g_perceptual"]
        torch.testing.assert_close(loss, 3 * (found - wanted).abs().mean())
        assert torch.autograd.grad(loss, next(model.generator.decoder.parameters()))[0].abs().sum() > 0
        assert not [key for key in model.state_dict() if "features" in key]

    def test_real_and_fake_do_not_share_batch_statistics(self):
        model, batch = tiny(norm="batch", discriminator_dropout=0.0), pairs(2)
        step = context(model, batch)
        real, fake = (judged(model, "shape", batch, photo).double() for photo in (batch.target_image, step.fake()))
        expected = 2.5 * (-real.sigmoid().log().mean() - (-fake).sigmoid().log().mean())
        torch.testing.assert_close(model.discriminator_losses("shape", step)["d_shape"], expected.float())

    def test_a_discriminator_s_loss_has_no_way_into_the_generator(self):
        model = tiny()
        for name in NAMES:
            loss = model.discriminator_losses(name, context(model, pairs(1)))[f"d_{name}"]
            found = torch.autograd.grad(loss, list(model.generator.parameters()), allow_unused=True)
            assert all(g is None for g in found)


class TestPools:
    def test_each_discriminator_has_one_of_its_own_channels_and_the_generator_none(self):
        model, batch = tiny(), pairs(2)
        assert [tuple(model.pools[name].images.shape) for name in NAMES] == [(50, 6, *FRAME), (50, 21, *FRAME)]
        step = context(model, batch)
        model.generator_losses(step)
        assert [int(model.pools[name].count) for name in NAMES] == [0, 0]
        model.discriminator_losses("shape", step)
        assert [int(model.pools[name].count) for name in NAMES] == [0, 2]

    @pytest.mark.parametrize("name", NAMES)
    def test_an_old_fake_keeps_the_condition_it_was_made_for(self, name):
        model, batch = tiny().eval(), pairs(2)
        step = context(model, batch)
        model.discriminator_losses(name, step)
        condition = batch.source_image if name == "appearance" else render_heatmap(batch.target_pose, FRAME, 6.0)
        assert torch.equal(model.pools[name].images[:2], torch.cat([step.fake(), condition], 1))

    @pytest.mark.parametrize("name", NAMES)
    def test_what_the_pool_returns_is_judged(self, name):
        class Old(nn.Module):
            def forward(self, fakes: Tensor) -> Tensor:
                return torch.full_like(fakes, 0.5)

        model, batch = tiny().eval(), pairs(2)
        model.pools[name] = Old()
        real = judged(model, name, batch, batch.target_image).sigmoid()
        old = model.discriminators[name](torch.full((2, 6 if name == "appearance" else 21, *FRAME), 0.5)).sigmoid()
        expected = 2.5 * (-real.log().mean() - (1 - old).log().mean())
        torch.testing.assert_close(model.discriminator_losses(name, context(model, batch))[f"d_{name}"], expected)

    def test_they_are_part_of_the_saved_state(self):
        model = tiny(pool=3)
        for name in NAMES:
            model.discriminator_losses(name, context(model, pairs(2)))
        other = tiny(pool=3)
        other.load_state_dict(model.state_dict())
        for name in NAMES:
            assert torch.equal(other.pools[name].images, model.pools[name].images)
            assert other.pools[name].images.any()
            assert other.pools[name].count == 2


class TestOrder:
    def test_generator_then_appearance_then_shape_on_the_same_adam(self):
        model = tiny()
        (phase,) = model.phases()
        assert [u.name for u in phase.updates] == ["generator", *NAMES]
        assert [u.modules for u in phase.updates] == [
            (model.generator,),
            (model.discriminators["appearance"],),
            (model.discriminators["shape"],),
        ]
        assert (phase.steps, phase.streams) == (None, 1)
        for update in phase.updates:
            chosen = update.optimiser
            assert (chosen.lr, chosen.beta1, chosen.beta2, chosen.eps, update.every) == (2e-4, 0.5, 0.999, 1e-8, 1)

    def test_discriminators_see_the_fakes_made_before_the_generator_moved(self):
        model, batch = tiny(lr=0.1, dropout=0.0), pairs(2)
        with torch.no_grad():
            before = model.generator(batch.source_image, batch.source_pose, batch.target_pose).image
        passes: list[int] = []
        model.generator.register_forward_hook(lambda *_: passes.append(1))
        Stepper(model, model.phases()[0], Fabric(accelerator="cpu", devices=1)).step(0, (batch,), 0)
        assert len(passes) == 1
        for name in NAMES:
            torch.testing.assert_close(model.pools[name].images[:2, :3], before)
        with torch.no_grad():
            after = model.generator(batch.source_image, batch.source_pose, batch.target_pose).image
        assert (after - before).abs().max() > 0.1


class TestSchedule:
    CONFIG = TwoDiscriminatorConfig()

    @pytest.mark.parametrize(
        ("epoch", "factor"),
        [(0, 1), (498, 1), (499, 1 - 1 / 201), (500, 1 - 2 / 201), (600, 1 - 102 / 201), (699, 0), (900, 0)],
    )
    def test_it_is_the_released_one_in_stairs_of_an_epoch(self, epoch, factor):
        for step in (125 * epoch, 125 * epoch + 124):
            assert learning_rate_factor(step, self.CONFIG) == pytest.approx(factor)

    def test_the_updates_use_it(self):
        model = tiny(epoch_steps=1, constant_steps=2, decay_steps=3)
        for update in model.phases()[0].updates:
            assert [update.optimiser.schedule(step) for step in range(6)] == pytest.approx([1, 0.75, 0.5, 0.25, 0, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool": -1}, r"model\.pool is -1: it must be at least 0"),
        ({"epoch_steps": 0}, r"model\.epoch_steps is 0"),
        ({"gan_weight": -1.0}, r"model\.gan_weight is -1"),
        ({"discriminator_dropout": 1.0}, r"model\.discriminator_dropout is 1\.0: it must be below 1"),
        ({"norm": "group"}, r"norm is 'group': it must be one of batch, instance"),
        ({"gan_loss": "hinge"}, r"gan_loss is 'hinge': it must be one of bce, lsgan"),
        ({"lr": 0.0}, r"model\.lr is 0\.0: it must be above 0"),
    ],
)
def test_values_that_cannot_work_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        create_model("patn", **options)


def test_the_frame_itself_is_no_model():
    names = {f.name for f in dataclasses.fields(TwoDiscriminatorConfig)}
    assert names < {f.name for f in dataclasses.fields(PATNConfig)}
    with pytest.raises(UserError, match="two_discriminators"):
        create_model("two_discriminators")
