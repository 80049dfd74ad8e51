"""VUNet: the published sizes and counts, what sees what, the losses with their schedules, and drawn appearances."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.features import KINDS, FeatureNetwork
from posegan.layers.part_crops import crop_parts
from posegan.layers.weight_norm import WeightNormConv2d
from posegan.losses import gram_loss, unit_gaussian_kl
from posegan.models import StepContext, count_parameters, create_model
from posegan.models.base import FactorSampler, Sampler
from posegan.models.vunet import LAYERS, VUNet
from posegan.pose.stickman import render_stickman

from ..layers.test_features import random_distilled
from ..pairs import FRAME, pairs, people, photos

DEAD = 1_230_848  # the tail of the released posterior, whose outputs nothing uses
SQUARE = (128, 128)


def tiny(**config: object) -> VUNet:
    torch.manual_seed(0)
    model = create_model("vunet", **{"width": 2, "features": "none", **config})
    assert isinstance(model, VUNet)
    return model


def draw(model: VUNet, batch: Batch) -> Tensor:
    with torch.no_grad():
        return model.generator(batch.source_image, batch.source_pose, batch.target_pose).image


def context(model: VUNet, batch: Batch, step: int = 0) -> StepContext:
    return StepContext(model, (batch,), step)


@pytest.mark.parametrize(
    ("size", "appearance", "released", "ours"),
    [((128, 64), 2_217_600, 47_419_270, 46_188_422), ((256, 256), 2_071_296, 47_272_966, 46_042_118)],
)
def test_parameter_counts_are_those_of_the_released_code_less_its_dead_tail(size, appearance, released, ours):
    with torch.device("meta"):
        model = create_model("vunet", size=size)
    generator = model.generator
    assert count_parameters(model) == count_parameters(generator) == ours
    assert ours + DEAD == released
    assert count_parameters(generator.appearance) == appearance
    assert count_parameters(generator.posterior) + DEAD == 3_085_568
    assert count_parameters(generator.shape) == 2_253_216
    assert count_parameters(generator.decoder) == 39_862_016 + 870
    # The dead tail: the residual block after the second latent, an enlargement, and the block after that.
    with torch.device("meta"):
        more = create_model("vunet", size=size, latent_scales=3).generator.posterior
    tail = (more.after[1], more.ups[1], more.before[2])
    assert sum(count_parameters(m) for m in tail) == DEAD


@pytest.mark.parametrize(
    ("size", "side", "factors", "crop", "latents"),
    [
        ((128, 64), 128, (1, 1), 64, [2, 4]),
        ((256, 256), 256, (2, 2), 64, [4, 8]),
        ((256, 176), 256, (2, 2), 64, [4, 8]),
        ((512, 352), 512, (3, 3), 64, [8, 16]),
        ((100, 45), 128, (1, 1), 64, [2, 4]),
        ((32, 16), 32, (1, 0), 32, [2, 4]),
    ],
)
def test_sizes_follow_from_the_height(size, side, factors, crop, latents):
    model = tiny(size=size)
    assert model.config.factors == factors
    assert model.generator.stretch_to == (side, side)
    assert model.generator.crop_side == crop
    features = model.eval().generator.encode(photos(1, (side, side), 0), people(1, (side, side), 1))
    assert [tuple(f.shape) for f in features] == [(1, 8, s, s) for s in latents]
    assert model.config.resolutions == (7 if side >= 128 else 5)


def test_channels_double_up_to_four_times_the_width():
    assert create_model("vunet", width=2, features="none").config.channels == [2, 4, 8, 8, 8, 8, 8]
    with torch.device("meta"):
        generator = create_model("vunet").generator
    assert [c[0].conv.out_channels for c in generator.shape.blocks] == [32, 64, 128, 128, 128, 128, 128]
    assert [c[0].conv.out_channels for c in generator.appearance.blocks] == [64, 128, 128, 128, 128, 128]
    assert all(isinstance(c, WeightNormConv2d) for c in generator.modules() if isinstance(c, torch.nn.Conv2d))


def test_figure_and_crops_are_made_after_the_stretch():
    model, batch = tiny().eval(), pairs(2)
    seen: dict[str, Tensor] = {}
    for name in ("shape", "appearance"):
        getattr(model.generator, name).register_forward_pre_hook(
            lambda _, args, name=name: seen.update({name: args[0]})
        )
    draw(model, batch)
    target, source = (p.resize(FRAME, SQUARE) for p in (batch.target_pose, batch.source_pose))
    photo = F.interpolate(batch.source_image, SQUARE, mode="bilinear", align_corners=False)
    assert torch.equal(seen["shape"], render_stickman(target, SQUARE))
    torch.testing.assert_close(seen["appearance"], crop_parts(photo, source, 64))


def test_the_appearance_knows_nothing_of_the_target_and_the_figure_nothing_of_the_photo():
    model, batch = tiny().eval(), pairs(2)
    generator = model.generator
    shapes: list[Tensor] = []
    latents: list[Tensor] = []
    generator.posterior.register_forward_hook(lambda _, args, out: latents.extend(out[0]))
    generator.shape.register_forward_hook(lambda _, args, out: shapes.append(out[-1][1]))
    draw(model, batch)
    other = Batch(batch.source_image, batch.target_image, batch.source_pose, people(2, FRAME, 7))
    draw(model, other)
    assert all(torch.equal(a, b) for a, b in zip(latents[:2], latents[2:], strict=True))
    assert not torch.equal(shapes[0], shapes[1])
    latents.clear()
    draw(model, Batch(photos(2, FRAME, 5), batch.target_image, batch.source_pose, batch.target_pose))
    assert torch.equal(shapes[2], shapes[0])


def test_transfer_uses_posterior_means_and_no_prior():
    model, batch = tiny().eval(), pairs(2)
    for prior in model.generator.decoder.priors:
        prior.register_forward_hook(lambda *_: pytest.fail("the prior is not needed"))
    image = draw(model, batch)
    assert torch.equal(draw(model, batch), image)
    with torch.no_grad():
        output = model.generator(batch.source_image, batch.source_pose, batch.target_pose)
    assert set(output.aux) == {"square"}
    assert output.aux["square"][0].shape == (2, 3, *SQUARE)


def test_training_draws_latents_and_judges_them():
    model, batch = tiny(), pairs(2)
    output = model.generator(batch.source_image, batch.source_pose, batch.target_pose)
    assert [m.shape for m in output.aux["posterior"]] == [m.shape for m in output.aux["prior"]]
    assert [tuple(m.shape[1:]) for m in output.aux["prior"]] == [(8, 2, 2), (8, 4, 4)]
    features = model.generator.encode(
        model.generator.fit(batch.source_image), model.generator.fit_pose(batch.source_pose, FRAME)
    )
    assert len(features) == 4  # two samples, then their means
    assert not torch.equal(features[0], features[2])


def test_the_picture_is_linear_for_the_losses_and_bounded_for_the_user():
    model, batch = tiny().eval(), pairs(1)
    with torch.no_grad():
        model.generator.decoder.last.gain *= 100
        output = model.generator(batch.source_image, batch.source_pose, batch.target_pose)
    square = output.aux["square"][0]
    assert square.abs().max() > 1
    expected = F.interpolate(square.clamp(-1, 1), FRAME, mode="bilinear", align_corners=False)
    torch.testing.assert_close(output.image, expected)


def test_the_pixel_loss_is_five_grey_levels_of_255_on_the_square():
    model, batch = tiny(), pairs(2)
    step = context(model, batch)
    square = step.generate().aux["square"][0]
    target = F.interpolate(batch.target_image, SQUARE, mode="bilinear", align_corners=False)
    expected = 5 * ((square + 1) * 127.5 - (target + 1) * 127.5).abs().mean()
    losses = model.losses(step)
    assert set(losses) == {"g_pixel", "g_kl"}
    assert losses["g_pixel"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_divergence_is_the_sum_over_both_latents():
    model = tiny(kl_start=1, kl_full=2, kl_weight=3.0)
    step = context(model, pairs(2), step=2)
    aux = step.generate().aux
    expected = sum(unit_gaussian_kl(q, p) for q, p in zip(aux["posterior"], aux["prior"], strict=True))
    assert model.losses(step)["g_kl"].item() == pytest.approx(3 * expected.item(), rel=1e-5)
    assert expected > 0


def test_the_divergence_trains_posterior_and_prior():
    model = tiny()
    kl = model.losses(context(model, pairs(2)))["g_kl"]
    for part in (model.generator.appearance, *model.generator.decoder.priors):
        gradients = torch.autograd.grad(kl, list(part.parameters()), retain_graph=True, allow_unused=True)
        assert any(g is not None and g.any() for g in gradients)


def test_feature_and_gram_losses_by_hand():
    scales = (1.0, 2.0, 3.0, 4.0, 5.0)
    model = tiny(
        feature_scales=scales,
        gram_weight=0.1,
        gram_layers=("input", "relu2_2"),
        features="vgg19_distilled",
        features_path="unused",
    )
    model.features = FeatureNetwork(KINDS["vgg19_distilled"], random_distilled())
    step = context(model, pairs(1))
    square, target = step.generate().aux["square"][0], model.generator.fit(pairs(1).target_image)
    found, wanted = model.features(square, LAYERS), model.features(target, LAYERS)
    losses = model.losses(step)
    expected = sum(s * (found[k] - wanted[k]).abs().mean() for k, s in zip(LAYERS, scales, strict=True))
    assert losses["g_perceptual"].item() == pytest.approx(5 * expected.item(), rel=1e-5)
    mean = torch.tensor([123.68, 116.779, 103.939])[:, None, None]
    inputs = [(x + 1) * 127.5 - mean for x in (square, target)]
    gram = gram_loss(*inputs) + gram_loss(2 * found["relu2_2"], 2 * wanted["relu2_2"])
    assert losses["g_gram"].item() == pytest.approx(0.5 * gram.item(), rel=1e-4)
    assert LAYERS == ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")


def test_gradients_flow_through_every_feature_layer():
    model = tiny(features="vgg19_distilled", features_path="unused")
    model.features = FeatureNetwork(KINDS["vgg19_distilled"], random_distilled())
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    for i in range(5):
        object.__setattr__(model.config, "feature_scales", tuple(float(i == j) for j in range(5)))
        loss = model._feature_losses(model.features, image, torch.zeros(1, 3, 64, 64))["g_perceptual"]
        (gradient,) = torch.autograd.grad(loss, image)
        assert gradient.abs().sum() > 0


def test_one_phase_redraws_single_photos_with_adam():
    (phase,) = tiny().phases()
    assert phase.self_reconstruction
    assert phase.steps is None
    (update,) = phase.updates
    adam = update.optimiser
    assert (adam.lr, adam.beta1, adam.beta2, adam.eps) == (1e-3, 0.5, 0.9, 1e-8)
    assert adam.schedule is not None
    expected = {0: 1, 1_000: 1, 50_500: 0.5, 100_000: 0, 120_000: 0}
    assert {s: adam.schedule(s) for s in expected} == pytest.approx(expected)


def test_the_weight_of_the_divergence_rises_from_a_millionth_to_one():
    model = tiny()
    expected = {0: 1e-6, 50_000: 1e-6, 62_500: 0.5 + 0.5e-6, 75_000: 1, 99_999: 1}
    assert {s: model.kl_weight(s) for s in expected} == pytest.approx(expected)
    assert tiny(kl_weight=1e-6).kl_weight(80_000) == 1e-6


def test_initialise_normalises_every_layer_by_changing_gains_and_biases_only():
    model = tiny(dropout=0.0)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    torch.manual_seed(1)
    model.initialise(pairs(2, seed=i) for i in range(4))
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]) == name.endswith("weight")
    seen: list[Tensor] = []
    for layer in (m for m in model.modules() if isinstance(m, WeightNormConv2d)):
        layer.register_forward_hook(lambda _, args, out: seen.append(out))
    batches = [pairs(2, seed=i) for i in range(4)]
    photo = torch.cat([b.source_image for b in batches])
    poses = [type(b.source_pose)(b.source_pose.xy, b.source_pose.visible) for b in batches]
    pose = type(poses[0])(torch.cat([p.xy for p in poses]), torch.cat([p.visible for p in poses]))
    torch.manual_seed(1)  # the same noise
    model.generator(photo, pose, pose)
    assert len(seen) == len([m for m in model.modules() if isinstance(m, WeightNormConv2d)])
    for out in seen:
        torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(out.shape[1]), atol=1e-3, rtol=0)
        torch.testing.assert_close(out.var((0, 2, 3), correction=0), torch.ones(out.shape[1]), atol=1e-2, rtol=0)


def test_initialise_uses_dropout_and_leaves_the_model_training():
    gains = []
    for dropout in (0.0, 0.4):
        model = tiny(dropout=dropout).eval()
        torch.manual_seed(1)
        model.initialise([pairs(2)])
        assert model.generator.training
        gains.append(model.generator.shape.blocks[0][0].conv.gain.detach().clone())
    assert not torch.allclose(*gains)


@pytest.mark.parametrize("size", [FRAME, (100, 45)])
def test_people_can_be_drawn_in_poses(size):
    generator, poses = tiny().eval().generator, people(2, size, 3)
    assert isinstance(generator, Sampler)
    assert not isinstance(generator, FactorSampler)
    pictures = []
    for seed, pose in ((0, poses), (0, poses), (1, poses), (0, people(2, size, 4))):
        torch.manual_seed(seed)
        pictures.append(generator.sample(pose, size))
    assert pictures[0].shape == (2, 3, *size)
    assert pictures[0].abs().max() <= 1
    assert torch.equal(pictures[0], pictures[1])
    assert F.l1_loss(pictures[0], pictures[2]) > 1e-3
    assert F.l1_loss(pictures[0], pictures[3]) > 1e-3
    assert F.l1_loss(pictures[0][0], pictures[0][1]) > 1e-3


def test_a_drawn_appearance_comes_from_the_prior_alone():
    generator = tiny().eval().generator
    for part in (generator.appearance, generator.posterior):
        part.register_forward_hook(lambda *_: pytest.fail("there is no photo"))
    asked: list[int] = []
    for i, prior in enumerate(generator.decoder.priors):
        prior.register_forward_hook(lambda *_, i=i: asked.append(i))
    generator.sample(people(2, FRAME, 3), FRAME)
    assert asked == [0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gram_layers": ("relu2_3",)}, r"model\.gram_layers.*'relu2_3'.*relu2_2"),
        ({"gram_weight": 0.05}, r"model\.gram_weight needs a feature network"),
        ({"kl_start": 10, "kl_full": 10}, r"model\.kl_full is 10: it must be above model\.kl_start"),
        ({"lr_decay_end": 500}, r"model\.lr_decay_end is 500"),
        ({"latent_scales": 7}, r"latent_scales 7: lower the factors"),
        ({"box_factor": 6}, r"leave the part crops 1 resolutions"),
        ({"bottleneck_factor": 0}, r"model\.bottleneck_factor is 0: it must be at least 1"),
        ({"dropout": 1.0}, r"model\.dropout is 1\.0: it must be below 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        tiny(**options)
