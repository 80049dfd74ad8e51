"""SD-GAN: scales, their sizes and targets, counts, the gate, losses by hand, and how it reduces to Deformable GAN."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.models import Output, StepContext, count_parameters, create_model
from posegan.models.deformable import DeformableGAN
from posegan.models.sdgan import SDGAN, _shrink
from posegan.pose import Pose, render_heatmap

from ..pairs import FRAME, pairs, people, photos


def tiny(**config: object) -> SDGAN:
    torch.manual_seed(0)
    model = create_model("sdgan", **{"width": 2, **config})
    assert isinstance(model, SDGAN)
    return model


def draw(model: SDGAN, batch: Batch) -> Output:
    with torch.no_grad():
        output: Output = model.generator(batch.source_image, batch.source_pose, batch.target_pose)
    return output


def context(model: SDGAN, *batches: Batch) -> StepContext:
    return StepContext(model, batches, 0)


def judged(model: SDGAN, batch: Batch, scale: int, photo: Tensor) -> Tensor:
    """What D_i says of a photo, with its inputs made by hand."""
    factor = 2 ** (model.config.scales - 1 - scale)
    size = photo.shape[-2], photo.shape[-1]
    maps = [render_heatmap(p, size, 6.0, batch.size) for p in (batch.source_pose, batch.target_pose)]
    source = F.interpolate(batch.source_image, size, mode="area")
    assert (size[0] * factor, size[1] * factor) == batch.size
    logits: Tensor = model.discriminators[f"scale_{scale}"](source, maps[0], photo, maps[1])
    return logits.sigmoid()


class TestShapes:
    @pytest.mark.parametrize(
        ("size", "scales", "expected"),
        [
            (FRAME, 3, [(32, 16), (64, 32), (128, 64)]),
            (FRAME, 1, [(128, 64)]),
            ((256, 256), 4, [(32, 32), (64, 64), (128, 128), (256, 256)]),
        ],
    )
    def test_pictures_of_all_scales_the_lowest_first(self, size, scales, expected):
        output = draw(tiny(size=size, scales=scales).eval(), pairs(1, size))
        pictures = output.aux["scales"]
        assert [tuple(p.shape) for p in pictures] == [(1, 3, *e) for e in expected]
        assert pictures[-1] is output.image
        assert all(p.abs().max() <= 1 for p in pictures)

    @pytest.mark.parametrize("size", [(256, 176), (100, 45)])
    def test_smaller_pictures_lie_on_the_same_pixels_at_sizes_that_need_padding(self, size):
        model, batch = tiny(), pairs(2, size)
        output = draw(model, batch)
        assert output.image.shape == (2, 3, *size)
        targets = model._targets(context(model, batch), 0)
        for picture, target, factor in zip(output.aux["scales"], targets, (4, 2, 1), strict=True):
            assert picture.shape == target.shape == (2, 3, size[0] // factor, size[1] // factor)
        assert model.discriminator_losses(context(model, batch)).keys() == {f"d_adversarial_{i}" for i in range(3)}

    def test_targets_are_means_of_areas(self):
        photo = photos(2, (100, 45), 0)
        small = _shrink(photo, 4)
        torch.testing.assert_close(small[:, :, 3, 5], photo[:, :, 12:16, 20:24].mean((2, 3)))
        assert _shrink(photo, 1) is photo

    @pytest.mark.parametrize("size", [FRAME, (256, 256)])
    def test_every_discriminator_judges_a_map_of_the_published_size(self, size):
        model, batch = tiny(size=size), pairs(1, size)
        for i, photo in enumerate(model._targets(context(model, batch), 0)):
            expected = (3, 1) if size == FRAME else (7, 7)
            assert judged(model, batch, i, photo).shape == (1, 1, *expected)

    @pytest.mark.parametrize("scales", [0, 5])
    def test_other_numbers_of_scales_are_refused(self, scales):
        with pytest.raises(UserError, match=r"model\.scales is"):
            create_model("sdgan", scales=scales)


class TestCounts:
    def test_it_has_the_weights_of_deformable_gan_but_for_the_heads(self):
        with torch.device("meta"):
            model, plain = create_model("sdgan"), create_model("deformable")
        inputs = [512 + 2 * 256, 256 + 2 * 128, 128 + 2 * 64]  # l_0, l_1, l_2
        heads = sum((c + 64) * 27 + 3 for c in inputs) + 3 * (512 * 64 + 64)
        assert heads == 152_073
        assert count_parameters(model.generator) == 61_109_085 - (256 * 27 + 3) + heads == 61_254_243
        assert count_parameters(plain.generator) == 61_109_085

    def test_the_gates_of_the_four_warped_skips(self):
        with torch.device("meta"):
            gated, plain = (create_model("sdgan", attention=a).generator for a in ("gate", "none"))
        gates = sum(2 * c * 64 * 9 + 64 + 64 + 1 for c in (64, 128, 256, 512))
        assert count_parameters(gated) - count_parameters(plain) == gates == 1_106_436

    def test_four_scales_at_256(self):
        with torch.device("meta"):
            generator = create_model("sdgan", size=(256, 256), scales=4).generator
        inputs = [512 + 2 * 512, 512 + 2 * 256, 256 + 2 * 128, 128 + 2 * 64]
        heads = sum((c + 64) * 27 + 3 for c in inputs) + 4 * (512 * 64 + 64)
        assert count_parameters(generator) == 82_080_611 - (256 * 27 + 3) + heads == 82_301_804

    def test_a_smaller_scale_has_a_discriminator_with_fewer_halvings(self):
        with torch.device("meta"):
            model = create_model("sdgan")
        counts = [count_parameters(d) for d in model.discriminators.values()]
        first, norms = 42 * 64 * 16 + 64, 2
        down = [64 * 128 * 16 + norms, 128 * 256 * 16 + norms, 256 * 512 * 16 + norms]
        expected = [first + sum(down[:n]) + 64 * 2**n * 16 for n in (1, 2, 3)]
        assert counts == expected == [176_194, 702_532, 2_803_782]


class TestGenerator:
    def test_with_one_scale_and_no_code_it_draws_what_deformable_gan_draws(self):
        model, batch = tiny(scales=1).eval(), pairs(2)
        plain = create_model("deformable", width=2, features="none").eval()
        assert isinstance(plain, DeformableGAN)
        weights = model.generator.state_dict()
        head = weights["decoder.heads.0.weight"]
        shared = {k: v for k, v in weights.items() if ".heads." not in k and ".codes." not in k}
        last = {"decoder.last.weight": head[:, :-2], "decoder.last.bias": weights["decoder.heads.0.bias"]}
        plain.generator.load_state_dict(shared | last)
        with torch.no_grad():
            head[:, -2:] = 0  # the two channels of the code
            wanted = plain.generator(batch.source_image, batch.source_pose, batch.target_pose).image
        torch.testing.assert_close(draw(model, batch).image, wanted)

    def test_every_scale_sees_the_code_of_the_target_pose_at_its_size(self):
        model, batch = tiny().eval(), pairs(2)
        codes: list[Tensor] = []
        seen: list[Tensor] = []
        decoder = model.generator.decoder
        model.generator.pose.register_forward_hook(lambda _, args, maps: codes.append(maps[-1]))
        for head in decoder.heads:
            head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        draw(model, batch)
        assert codes[0].shape == (2, 16, 4, 2)
        for found, project, size in zip(seen, decoder.codes, [(32, 16), (64, 32), (128, 64)], strict=True):
            assert isinstance(project, nn.Conv2d)
            up = F.interpolate(codes[0], size, mode="bilinear")
            expected = F.conv2d(up, project.weight, project.bias).relu()  # up first, as the paper has it
            torch.testing.assert_close(found[:, -2:], expected)

    def test_a_lower_scale_feeds_the_next(self):
        model, batch = tiny(), pairs(1)
        pictures = model.generator(batch.source_image, batch.source_pose, batch.target_pose).aux["scales"]
        blocks = model.generator.decoder.blocks
        for picture, used in zip(pictures, (3, 4, 5), strict=True):
            found = torch.autograd.grad(
                picture.sum(), [b.conv.weight for b in blocks], retain_graph=True, allow_unused=True
            )
            assert [g is not None for g in found] == [i < used for i in range(5)]

    @pytest.mark.parametrize("options", [{"sampling": "bilinear"}, {"norm": "instance"}, {"sigma": 3.0}])
    def test_options_change_the_picture(self, options):
        batch = pairs(2)
        assert not torch.allclose(
            draw(tiny(**options).eval(), batch).image, draw(tiny().eval(), batch).image, atol=1e-5
        )

    def test_every_scale_depends_on_both_poses_and_the_photo(self):
        model, batch = tiny().eval(), pairs(2)
        pictures = draw(model, batch).aux["scales"]
        others = [
            Batch(photos(2, FRAME, 5), batch.target_image, batch.source_pose, batch.target_pose),
            Batch(batch.source_image, batch.target_image, people(2, FRAME, 7), batch.target_pose),
            Batch(batch.source_image, batch.target_image, batch.source_pose, people(2, FRAME, 7)),
        ]
        for other in others:
            for found, picture in zip(draw(model, other).aux["scales"], pictures, strict=True):
                assert not torch.allclose(found, picture, atol=1e-4)


class TestGate:
    def test_it_starts_open_and_so_changes_nothing(self):
        gated, plain, batch = tiny(attention="gate").eval(), tiny().eval(), pairs(2)
        missing = gated.generator.load_state_dict(plain.generator.state_dict(), strict=False).missing_keys
        assert len(missing) == 4 * 4
        output = draw(gated, batch)
        gates = output.aux["attention"]
        assert [tuple(g.shape) for g in gates] == [(2, 1, 128 >> i, 64 >> i) for i in range(4)]
        assert all(torch.equal(g, torch.ones_like(g)) for g in gates)
        assert torch.equal(output.image, draw(plain, batch).image)
        assert "attention" not in draw(plain, batch).aux

    def test_a_shut_gate_hides_the_warped_skips_but_not_the_pose(self):
        model, batch = tiny(attention="gate").eval(), pairs(1)
        with torch.no_grad():
            for gate in model.generator.gates:
                gate.last.bias.fill_(-100)
        seen: list[Tensor] = []
        model.generator.decoder.register_forward_pre_hook(lambda _, args: seen.extend(args[0]))
        draw(model, batch)
        for i, skip in enumerate(seen):
            source, pose = skip.chunk(2, 1)
            assert bool(source.any()) == (i >= 4)
            assert pose.any()


class TestLosses:
    def test_each_discriminator_lowers_minus_log_of_real_and_of_one_minus_fake(self):
        model, batch = tiny(sigma=6.0).eval(), pairs(3)
        losses = model.discriminator_losses(context(model, batch))
        assert list(losses) == [f"d_adversarial_{i}" for i in range(3)]
        for i, fake in enumerate(draw(model, batch).aux["scales"]):
            target = F.interpolate(batch.target_image, fake.shape[-2:], mode="area")
            real, made = judged(model, batch, i, target), judged(model, batch, i, fake)
            torch.testing.assert_close(losses[f"d_adversarial_{i}"], -real.log().mean() - (1 - made).log().mean())

    def test_the_generator_lowers_minus_log_of_fake_and_the_weighted_distance_at_each_scale(self):
        model, batch = tiny(pixel_weight=7.0, adversarial_weight=3.0).eval(), pairs(3)
        losses = model.generator_losses(context(model, batch))
        assert losses.keys() == {f"g_{term}_{i}" for term in ("adversarial", "pixels") for i in range(3)}
        for i, fake in enumerate(draw(model, batch).aux["scales"]):
            target = F.interpolate(batch.target_image, fake.shape[-2:], mode="area")
            torch.testing.assert_close(losses[f"g_adversarial_{i}"], -3 * judged(model, batch, i, fake).log().mean())
            torch.testing.assert_close(losses[f"g_pixels_{i}"], 7 * (fake - target).abs().mean())

    def test_default_weights(self):
        config = tiny().config
        assert (config.pixel_weight, config.adversarial_weight) == (100, 1)

    def test_the_heatmaps_of_a_scale_peak_where_the_joint_is(self):
        model = tiny()
        batch = pairs(1)
        xy = torch.full((1, 18, 2), 4 * 6 + 1.5)  # the centre of pixel 6 at a quarter of the size
        batch = Batch(batch.source_image, batch.target_image, Pose(xy, torch.ones(1, 18).bool()), batch.target_pose)
        maps = model._judge(context(model, batch), 0, 0, batch.target_image)[1]
        assert maps.shape == (1, 18, 32, 16)
        assert maps[0, 0, 6, 6] == 1
        torch.testing.assert_close(maps[0, 0, 6, 7], torch.tensor(-(4**2) / (2 * 6.0**2)).exp())

    def test_the_discriminator_loss_has_no_way_into_the_generator(self):
        model = tiny()
        for batches in ((pairs(1),), tuple(pairs(1, seed=i) for i in range(3))):
            loss = sum(model.discriminator_losses(context(model, *batches)).values())
            found = torch.autograd.grad(loss, list(model.generator.parameters()), allow_unused=True)
            assert all(g is None for g in found)


class TestBatches:
    def test_the_phase_draws_as_many_batches_as_the_option_says(self):
        assert tiny().phases()[0].streams == 1
        assert tiny(batches="independent").phases()[0].streams == 3

    def test_real_pairs_fakes_and_the_generator_use_a_stream_each(self):
        model = tiny(batches="independent").eval()
        batches = [pairs(2, seed=i) for i in range(3)]
        step = context(model, *batches)
        losses = model.discriminator_losses(step) | model.generator_losses(step)
        shrunk: Callable[[Tensor], Tensor] = lambda image: F.interpolate(image, (32, 16), mode="area")  # noqa: E731
        real = judged(model, batches[0], 0, shrunk(batches[0].target_image))
        fakes = [draw(model, b).aux["scales"][0] for b in batches]
        fake = judged(model, batches[1], 0, fakes[1])
        torch.testing.assert_close(losses["d_adversarial_0"], -real.log().mean() - (1 - fake).log().mean())
        torch.testing.assert_close(losses["g_adversarial_0"], -judged(model, batches[2], 0, fakes[2]).log().mean())
        distance = (fakes[2] - shrunk(batches[2].target_image)).abs().mean()
        torch.testing.assert_close(losses["g_pixels_0"], 100 * distance)


def test_the_schedule_is_that_of_the_released_code():
    model = tiny()
    (phase,) = model.phases()
    assert [u.name for u in phase.updates] == ["discriminator", "generator"]
    assert [u.modules for u in phase.updates] == [(model.discriminators,), (model.generator,)]
    for update in phase.updates:
        chosen = update.optimiser
        assert (chosen.lr, chosen.beta1, chosen.beta2, chosen.eps, update.every) == (2e-4, 0.5, 0.999, 1e-8, 1)
