"""PG2: the published counts, what each network sees, the three schemes' losses, and the two stages."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.dcgan import DCGANDiscriminator
from posegan.models import StepContext, count_parameters, create_model
from posegan.models.pg2 import PG2, RefineUNet, masked_l1
from posegan.pose.heatmap import render_discs
from posegan.pose.mask import pose_mask
from posegan.training.ema import Ema

from ..pairs import FRAME, pairs

SCHEMES = ("triplet", "triplet_joint", "pair")


def tiny(**config: object) -> PG2:
    torch.manual_seed(0)
    model = create_model("pg2", **{"width": 2, "discriminator_width": 2, **config})
    assert isinstance(model, PG2)
    return model


def critic(model: PG2) -> DCGANDiscriminator:
    found = model.discriminators["photo"]
    assert isinstance(found, DCGANDiscriminator)
    return found


def context(model: PG2, *batches: Batch) -> StepContext:
    return StepContext(model, batches, 0)


def mask(batch: Batch) -> Tensor:
    return pose_mask(batch.target_pose, batch.size)[:, None].float()


@pytest.mark.parametrize(
    ("options", "coarse", "refine", "discriminator"),
    [
        ({}, 70_795_075, 6_058_883, 4_324_737),
        ({"size": (256, 256), "refine_skips": "all"}, 122_103_235, 12_696_067, 10_896_257),
    ],
)
def test_parameter_counts_are_those_of_the_released_code(options, coarse, refine, discriminator):
    with torch.device("meta"):
        model = create_model("pg2", **options)
    assert isinstance(model, PG2)
    assert count_parameters(model.generator.coarse) == coarse
    assert count_parameters(model.generator.refine) == refine
    assert count_parameters(model.generator) == coarse + refine
    assert count_parameters(model.discriminators) == discriminator


def test_a_negative_stage_is_refused():
    with pytest.raises(UserError, match=r"model\.coarse_steps is -1: it must be at least 0"):
        tiny(coarse_steps=-1)


class TestGenerator:
    def test_the_first_stage_sees_the_photo_and_the_target_discs_the_second_its_picture_and_the_photo(self):
        model, batch = tiny().eval(), pairs(2)
        seen: dict[str, Tensor] = {}
        for name in ("coarse", "refine"):
            getattr(model.generator, name).register_forward_pre_hook(
                lambda _, args, name=name: seen.update({name: args[0]})
            )
        output = model.generator(batch.source_image, batch.source_pose, batch.target_pose)
        discs = render_discs(batch.target_pose, FRAME, 4.0)
        assert discs.unique().tolist() == [-1, 1]
        assert torch.equal(seen["coarse"], torch.cat([batch.source_image, discs], 1))
        assert torch.equal(seen["refine"], torch.cat([output.aux["coarse"][0], batch.source_image], 1))

    @pytest.mark.parametrize("training", [True, False])
    def test_the_difference_counts_from_the_second_stage_on(self, training):
        model, batch = tiny().train(training), pairs(2)
        generator = model.generator
        with torch.no_grad():
            generator.coarse.last.weight *= 5
            generator.refine.last.weight *= 5
            before = generator(batch.source_image, batch.source_pose, batch.target_pose)
            generator.start_refining()
            after = generator(batch.source_image, batch.source_pose, batch.target_pose)
        coarse, difference = after.aux["coarse"][0], after.aux["difference"][0]
        assert difference.abs().max() > 0.1
        assert (coarse.abs().max() > 1, before.image.abs().max() > 1) == (True, training)
        bounded = (lambda x: x) if training else (lambda x: x.clamp(-1, 1))
        torch.testing.assert_close(before.image, bounded(coarse))
        torch.testing.assert_close(after.image, bounded(coarse + difference))

    def test_the_stage_is_saved_and_averaged_weights_know_it(self):
        model = tiny()
        ema = Ema(model.generator, 0.9)
        model.generator.start_refining()
        ema.update(model.generator, 0)
        assert ema.module.state_dict()["refining"] == 1
        assert not any(p is model.generator.refining for p in model.generator.parameters())

    @pytest.mark.parametrize(
        ("size", "skips", "inputs"),
        [((128, 64), "inner", [768, 384, 128]), ((256, 256), "all", [1024, 512, 384, 256])],
    )
    def test_the_second_stage_has_the_published_channels(self, size, skips, inputs):
        with torch.device("meta"):
            network = RefineUNet(size, 128, skips)
        assert [block.get_parameter("0.weight").shape[1] for block in network.decoder] == inputs

    @pytest.mark.parametrize("skips", ["inner", "all"])
    def test_the_second_stage_as_the_paper_draws_it(self, skips):
        torch.manual_seed(0)
        net = RefineUNet((64, 32), 2, skips)
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=0.3)
        x = torch.randn(1, 6, 64, 32)
        first = net.encoder[0](F.relu(net.first(x)))
        down = F.conv2d(F.pad(first, (0, 1, 0, 1)), *net.down[0].parameters(), stride=2)
        second = net.encoder[1](F.relu(down))
        deep = net.decoder[0](torch.cat([second, second], 1))
        large = deep.repeat_interleave(2, -1).repeat_interleave(2, -2)
        expected = net.last(net.decoder[1](torch.cat([large, first], 1) if skips == "all" else large))
        torch.testing.assert_close(net(x), expected)


class TestLosses:
    def test_masked_l1_counts_the_body_twice(self):
        image = torch.tensor([[[[1.0, 0.0]]]]).expand(1, 3, 1, 2)
        target = torch.tensor([[[[0.0, 0.5]]]]).expand(1, 3, 1, 2)
        body = torch.tensor([[[False, True]]])
        assert masked_l1(image, target, body).item() == pytest.approx((1 + 0.5) / 2 + 0.5 / 2)

    def test_the_coarse_stage_lowers_the_masked_l1_and_runs_nothing_else(self):
        model, batch = tiny(), pairs(2)
        made: list[nn.Module] = []
        for network in (model.generator.refine, critic(model)):
            network.register_forward_hook(lambda module, *_: made.append(module))
        losses = model.coarse_losses(context(model, batch))
        assert (list(losses), made) == (["g_coarse"], [])
        distance = (model.generator.draw_coarse(batch.source_image, batch.target_pose) - batch.target_image).abs()
        torch.testing.assert_close(losses["g_coarse"], distance.mean() + (distance * mask(batch)).mean())
        assert model.generator.refining == 0

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_the_discriminator_sees_the_published_photos_in_one_pass(self, scheme):
        model, batch = tiny(scheme=scheme), pairs(2)
        seen: list[Tensor] = []
        critic(model).register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        step = context(model, batch)
        model.generator_losses(step)
        model.discriminator_losses(step)
        source, target, fake = batch.source_image, batch.target_image, step.generate().image
        expected = {
            "triplet": torch.cat([target, source, step.generate().aux["coarse"][0], fake]),
            "triplet_joint": torch.cat([target, fake, source]),
            "pair": torch.cat([torch.cat([source, target], 1), torch.cat([source, fake], 1)]),
        }[scheme]
        assert len(seen) == 2
        assert all(torch.equal(photos, expected) for photos in seen)

    @pytest.mark.parametrize(("scheme", "weight"), [("triplet", 10.0), ("triplet_joint", 50.0), ("pair", 10.0)])
    def test_the_terms_are_those_of_the_scheme(self, scheme, weight):
        model, batch = tiny(scheme=scheme, reconstruction_weight=weight).eval(), pairs(3)
        model.generator.start_refining()
        image = model.generator(batch.source_image, batch.source_pose, batch.target_pose).image

        def judged(photo: Tensor) -> Tensor:  # in eval mode a logit does not depend on what else is shown
            seen = torch.cat([batch.source_image, photo], 1) if scheme == "pair" else photo
            probability: Tensor = critic(model)(seen).sigmoid()
            return probability

        real, fake, source = (judged(photo) for photo in (batch.target_image, image, batch.source_image))
        no = {name: -(1 - p).log().mean() for name, p in (("fake", fake), ("source", source))}
        wanted_of_d = {
            "triplet": -0.5 * real.log().mean() + 0.25 * no["fake"] + 0.25 * no["source"],
            "triplet_joint": (-real.log().mean() - (1 - torch.cat([fake, source])).log().mean()) / 2,
            "pair": -real.log().mean() + no["fake"],
        }[scheme]
        wanted_of_g = -(torch.cat([fake, source]) if scheme == "triplet_joint" else fake).log().mean()
        distance = (image - batch.target_image).abs()

        losses = model.generator_losses(context(model, batch)) | model.discriminator_losses(context(model, batch))
        assert list(losses) == ["g_adversarial", "g_reconstruction", "d_adversarial"]
        torch.testing.assert_close(losses["d_adversarial"], wanted_of_d)
        torch.testing.assert_close(losses["g_adversarial"], wanted_of_g)
        torch.testing.assert_close(losses["g_reconstruction"], weight * (distance * (1 + mask(batch))).mean())

    def test_other_sizes_than_the_network_divides(self):
        model, batch = tiny(), pairs(2, (100, 45))
        step = context(model, batch)
        losses = model.coarse_losses(step) | model.generator_losses(step) | model.discriminator_losses(step)
        assert all(value.isfinite() for value in losses.values())


class TestStages:
    def test_the_schedule_is_the_released_one(self):
        coarse, refine = tiny().phases()
        assert (coarse.name, coarse.steps, [u.name for u in coarse.updates]) == ("coarse", 22_000, ["coarse"])
        assert (refine.name, refine.steps) == ("refine", None)
        assert [u.name for u in refine.updates] == ["refine", "discriminator"]
        optimisers = {u.optimiser for phase in (coarse, refine) for u in phase.updates}
        assert [(o.lr, o.beta1, o.beta2, o.schedule) for o in optimisers] == [(2e-5, 0.5, 0.999, None)]
        assert tiny(coarse_steps=7).phases()[0].steps == 7

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_the_first_stage_is_frozen_in_the_second(self, scheme):
        model, batch = tiny(scheme=scheme), pairs(2)
        step = context(model, batch)
        total = torch.stack(list(model.generator_losses(step).values())).sum()
        generator = model.generator
        coarse = torch.autograd.grad(total, list(generator.coarse.parameters()), allow_unused=True, retain_graph=True)
        assert all(gradient is None for gradient in coarse)
        refine = torch.autograd.grad(total, list(generator.refine.parameters()))
        assert all(gradient.abs().sum() > 0 for gradient in refine)
        judged = model.discriminator_losses(step)["d_adversarial"]
        found = torch.autograd.grad(judged, list(generator.parameters()), allow_unused=True)
        assert all(gradient is None for gradient in found)

    @pytest.mark.parametrize("losses", ["generator_losses", "discriminator_losses"])
    def test_every_loss_of_the_second_stage_lets_the_difference_count(self, losses):
        model = tiny()
        assert model.generator.refining == 0
        getattr(model, losses)(context(model, pairs(2)))
        assert model.generator.refining == 1

    def test_shared_batches_cost_one_pass_and_independent_ones_two(self):
        for option, streams in (("shared", 1), ("independent", 2)):
            model = tiny(batches=option)
            assert [phase.streams for phase in model.phases()] == [1, streams]
            made: list[int] = []
            model.generator.register_forward_hook(lambda *_, made=made: made.append(1))
            step = context(model, *[pairs(2, seed=i) for i in range(streams)])
            model.generator_losses(step)
            model.discriminator_losses(step)
            assert len(made) == streams

    def test_independent_updates_take_a_batch_each(self):
        model, batches = tiny(batches="independent").eval(), [pairs(2, seed=i) for i in range(2)]
        found = model.generator_losses(context(model, *batches)) | model.discriminator_losses(context(model, *batches))
        first, second = (context(model, batch) for batch in batches)
        expected = model.generator_losses(first) | model.discriminator_losses(second)
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value)
