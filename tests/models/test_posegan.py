"""PoseGAN: its size, what each way of deforming uses, and its losses by hand."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.deformable_skip import DeformableSkip
from posegan.layers.feature_discriminator import FeatureView, move_features, shift_right_down
from posegan.layers.features import KINDS, FeatureNetwork
from posegan.layers.part_flow import part_flow, resize_flow
from posegan.losses import (
    colour_distribution_loss,
    nearest_neighbour_loss,
    offset_smoothness_loss,
    perceptual_loss,
    structural_loss,
)
from posegan.models import Output, StepContext, count_parameters, create_model
from posegan.models.posegan import COMPARED, PoseGAN
from posegan.pose import Pose

from ..layers.test_features import random_distilled
from ..pairs import FRAME, pairs, people, photos, standing

DEFORM = ("affine", "flow", "both")


def tiny(**config: object) -> PoseGAN:
    torch.manual_seed(0)
    model = create_model("posegan", **{"width": 4, "discriminator_width": 4, "features": "none", **config})
    assert isinstance(model, PoseGAN)
    return model


def draw(model: PoseGAN, batch: Batch) -> Output:
    with torch.no_grad():
        return model.generator(batch.source_image, batch.source_pose, batch.target_pose)


def context(model: PoseGAN, batch: Batch) -> StepContext:
    return StepContext(model, (batch,), 0)


def stirred(model: PoseGAN) -> PoseGAN:
    """Give the skips' last layers, which start at zero, random weights."""
    for skip in model.generator.skips:
        nn.init.normal_(skip.last.weight, std=0.5)
    return model


def test_the_default_is_compact():
    with torch.device("meta"):
        model = create_model("posegan")
    assert 1_000_000 < count_parameters(model.generator) <= 6_000_000


@pytest.mark.parametrize("depth", [2, 4])
def test_aux_holds_flows_and_gates_of_all_scales_deepest_first(depth):
    model = tiny(depth=depth)
    assert model.generator.size_multiple == 2**depth
    aux = draw(model, pairs(2)).aux
    assert aux.keys() == {"flows", "gates"}
    for i, (flow, gate) in enumerate(zip(aux["flows"], aux["gates"], strict=True)):
        h, w = 128 >> (depth - i), 64 >> (depth - i)
        assert (flow.shape, gate.shape) == ((2, 2, h, w), (2, 1, h, w))
    assert len(aux["flows"]) == depth + 1


@pytest.mark.parametrize("deform", DEFORM)
def test_it_starts_without_residual_flow_and_with_half_open_gates(deform):
    aux = draw(tiny(deform=deform), pairs(1)).aux
    assert not any(flow.any() for flow in aux["flows"])
    assert all((gate == 0.5).all() for gate in aux["gates"])


def test_the_affine_mode_never_has_a_residual_flow_and_the_others_do():
    for deform in DEFORM:
        flows = draw(stirred(tiny(deform=deform)), pairs(1)).aux["flows"]
        assert any(flow.any() for flow in flows) == (deform != "affine")


@pytest.mark.parametrize("deform", DEFORM)
def test_a_skip_adds_what_its_mode_names(deform):
    skip = DeformableSkip(4, 8, deform, attention=False)
    nn.init.normal_(skip.last.weight, std=0.1)
    source, guide, base = torch.randn(1, 4, 16, 8), torch.randn(1, 8, 16, 8), torch.randn(1, 2, 16, 8)
    with torch.no_grad():
        moved, residual, gate = skip(source, guide, base)
        without_base, same, _ = skip(source, guide, torch.zeros_like(base))
    assert torch.equal(residual, same)
    assert torch.equal(moved, without_base) == (deform == "flow")
    if deform == "affine":
        torch.testing.assert_close(without_base, source * gate, rtol=0, atol=1e-5)


def test_a_skip_moves_the_map_by_its_flow_and_dims_it_by_its_gate():
    skip = DeformableSkip(4, 8, "both", attention=False)
    source, guide = torch.randn(1, 4, 16, 8), torch.randn(1, 8, 16, 8)
    base = torch.tensor([2.0, -3.0])[:, None, None].expand(1, 2, 16, 8)
    with torch.no_grad():
        moved, _, gate = skip(source, guide, base)
    assert (gate == 0.5).all()
    torch.testing.assert_close(moved[..., 3:, :-2], 0.5 * source[..., :-3, 2:], rtol=0, atol=1e-5)


def test_the_skips_are_given_the_flow_of_the_body_in_their_own_pixels():
    model = tiny().eval()
    bases: list[Tensor] = []
    for skip in model.generator.skips:
        skip.register_forward_pre_hook(lambda _, args: bases.append(args[2]))
    batch = pairs(1)
    draw(model, batch)
    for level, base in zip(range(4, -1, -1), bases, strict=True):
        flow = resize_flow(part_flow(batch.source_pose, batch.target_pose, FRAME, 2), 2, 2**level)
        torch.testing.assert_close(base, flow)


def test_attention_is_for_the_deep_skips_only_and_can_be_left_out():
    deepest_first = [skip.attention is not None for skip in tiny().generator.skips]
    assert deepest_first == [True, True, False, False, False]
    assert not any(skip.attention for skip in tiny(attention=False).generator.skips)


@pytest.mark.parametrize("deform", DEFORM)
def test_pictures_depend_on_both_poses_and_the_photo(deform):
    model, batch = stirred(tiny(deform=deform)).eval(), pairs(2)
    image = draw(model, batch).image
    assert image.shape == (2, 3, *FRAME)
    assert image.abs().max() <= 1
    for other in (
        Batch(photos(2, FRAME, 5), batch.target_image, batch.source_pose, batch.target_pose),
        Batch(batch.source_image, batch.target_image, people(2, FRAME, 7), batch.target_pose),
        Batch(batch.source_image, batch.target_image, batch.source_pose, people(2, FRAME, 7)),
    ):
        assert not torch.allclose(draw(model, other).image, image, atol=1e-4)


def test_coordinates_of_joints_that_are_not_visible_are_not_looked_at():
    model = stirred(tiny()).eval()
    poses = [people(2, FRAME, seed, seen=0.7) for seed in (1, 2)]
    garbage = [Pose(torch.where(p.visible[..., None], p.xy, torch.tensor([torch.nan, 1e9])), p.visible) for p in poses]
    photo = photos(2, FRAME, 0)
    with torch.no_grad():
        assert torch.equal(model.generator(photo, *poses).image, model.generator(photo, *garbage).image)


def test_joints_that_become_visible_change_the_picture():
    model, photo = stirred(tiny()).eval(), photos(1, FRAME, 0)
    with torch.no_grad():
        images = [model.generator(photo, standing(), standing(missing=missing)).image for missing in ((), (4,), (3, 4))]
    assert not any(torch.allclose(a, b, atol=1e-4) for a, b in pairwise(images))


class TestGeneratorLosses:
    def judged(self, model: PoseGAN, name: str, photo: Tensor, condition: Tensor) -> Tensor:
        judge = model.discriminators[name]
        return judge(photo, condition) if name == "pose" else judge(torch.cat([photo, condition], 1))

    def test_every_term_is_its_weight_times_its_definition(self):
        weights = {"pixel_weight": 7.0, "nearest_weight": 0.3, "smoothness_weight": 0.4, "adversarial_weight": 1.5}
        weights |= {"structural_weight": 2.0, "colour_weight": 3.0}
        model, batch = stirred(tiny(**weights)).eval(), pairs(3)
        output = draw(model, batch)
        _, maps = model._maps(batch)
        pose = self.judged(model, "pose", output.image, maps)
        identity = self.judged(model, "identity", output.image, batch.source_image)
        expected = {
            "g_pixel": 7.0 * (output.image - batch.target_image).abs().mean(),
            "g_structural": 2.0 * structural_loss(output.image, batch.target_image),
            "g_colour": 3.0 * colour_distribution_loss(output.image, batch.target_image),
            "g_pose": 1.5 * 0.5 * (pose - 1).square().mean(),
            "g_identity": 1.5 * 0.5 * (identity - 1).square().mean(),
            "g_nearest": 0.3 * nearest_neighbour_loss(output.image, batch.target_image, 3),
            "g_smoothness": 0.4 * offset_smoothness_loss(output.aux["flows"]),
        }
        torch.testing.assert_close(model.generator_losses(context(model, batch)), expected)

    def test_features_add_a_perceptual_term_and_carry_the_nearest_search(self):
        model, batch = tiny(perceptual_weight=0.6, nearest_weight=0.2, nearest_layer="relu2_1").eval(), pairs(2)
        model.features = FeatureNetwork(KINDS["vgg19_distilled"], random_distilled())
        taps = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu2_1")
        found, wanted = (model.features(image, taps) for image in (draw(model, batch).image, batch.target_image))
        losses = model.generator_losses(context(model, batch))
        nearest = nearest_neighbour_loss(found.pop("relu2_1"), wanted.pop("relu2_1"), 3)
        torch.testing.assert_close(losses["g_nearest"], 0.2 * nearest)
        torch.testing.assert_close(losses["g_perceptual"], 0.6 * perceptual_loss(found, wanted))

    @pytest.mark.parametrize(
        ("config", "absent"),
        [
            ({"deform": "affine"}, {"g_smoothness"}),
            ({"smoothness_weight": 0.0}, {"g_smoothness"}),
            ({"adversarial_weight": 0.0}, {"g_pose", "g_identity"}),
        ],
    )
    def test_terms_without_weight_or_meaning_are_left_out(self, config, absent):
        every = {"g_pixel", "g_pose", "g_identity", "g_nearest", "g_smoothness"}
        model = tiny(**config)
        assert model.generator_losses(context(model, pairs(1))).keys() == every - absent

    @pytest.mark.parametrize("kind", ["bce", "lsgan", "hinge"])
    def test_every_adversarial_form_trains_the_generator(self, kind):
        model = tiny(adversarial=kind)
        loss = model.generator_losses(context(model, pairs(1)))["g_pose"]
        assert torch.autograd.grad(loss, model.generator.image[-2].weight)[0].abs().sum() > 0


class TestDiscriminatorLosses:
    judged = TestGeneratorLosses.judged

    def test_every_term_is_its_definition_in_separate_passes(self):
        model, batch = tiny(mismatch_weight=0.7).eval(), pairs(3)
        image = draw(model, batch).image
        source, target = batch.source_image, batch.target_image
        at_source, at_target = model._maps(batch)
        stranger = torch.stack([source[2], source[0], source[1]])

        def real(*logits: Tensor) -> Tensor:
            return 0.5 * (torch.cat(logits) - 1).square().mean()

        def fake(logits: Tensor) -> Tensor:
            return 0.5 * logits.square().mean()

        def pose(photo: Tensor, maps: Tensor) -> Tensor:
            return self.judged(model, "pose", photo, maps)

        def same(photo: Tensor, other: Tensor) -> Tensor:
            return self.judged(model, "identity", photo, other)

        expected = {
            "d_pose": real(pose(target, at_target), pose(source, at_source)) + fake(pose(image, at_target)),
            "d_identity": real(same(target, source)) + fake(same(image, source)),
            "d_mismatch": 0.7
            * (
                real(pose(target, at_target))
                + fake(pose(target, at_source))
                + real(same(target, source))
                + fake(same(target, stranger))
            ),
        }
        torch.testing.assert_close(model.discriminator_losses(context(model, batch)), expected)

    def test_a_pair_of_one_photo_is_mismatched_with_the_next_pairs_pose(self):
        model, given = tiny(), pairs(4)
        batch = given.self_reconstruction([True, True, False, False])
        assert torch.equal(batch.target_image[:2], given.source_image[:2])
        assert torch.equal(batch.target_image[2:], given.target_image[2:])
        at_source, at_target = model._maps(batch)
        wrong = torch.cat([at_target[3:], at_target[:1], at_source[2:]])
        seen: list[Tensor] = []
        model.discriminators["pose"].register_forward_hook(lambda _, given, __: seen.append(given[1]))
        model.discriminator_losses(context(model, batch))
        assert torch.equal(seen[0][-4:], wrong)

    def test_r1_is_the_squared_gradient_at_real_targets(self):
        model, batch = tiny(r1_weight=0.6, mismatch_weight=0.0).eval(), pairs(2)
        photo = batch.target_image.clone().requires_grad_()
        expected = torch.zeros(())
        for name, condition in (("pose", model._maps(batch)[1]), ("identity", batch.source_image)):
            (slope,) = torch.autograd.grad(self.judged(model, name, photo, condition).sum(), photo)
            expected = expected + 0.6 * 0.5 * slope.square().sum() / 2
        found = model.discriminator_losses(context(model, batch))["d_r1"]
        torch.testing.assert_close(found, expected)
        assert torch.autograd.grad(found, model.discriminators["pose"].layers[-1].weight)[0].any()

    def test_mismatches_need_two_pairs_and_a_weight(self):
        model = tiny()
        assert "d_mismatch" in model.discriminator_losses(context(model, pairs(2)))
        assert "d_mismatch" not in model.discriminator_losses(context(model, pairs(1)))
        model = tiny(mismatch_weight=0.0)
        assert "d_mismatch" not in model.discriminator_losses(context(model, pairs(2)))

    def test_who_is_alone_in_a_batch_has_no_stranger(self):
        """Another photo of the same person is no wrong person: only the wrong pose is left."""
        model, given = tiny(mismatch_weight=0.7).eval(), pairs(3)
        batch = replace(given, source_names=("ann/1.jpg", "ann/2.jpg", "ann/3.jpg"))
        source, target = batch.source_image, batch.target_image
        at_source, at_target = model._maps(batch)
        right = 0.5 * (self.judged(model, "pose", target, at_target) - 1).square().mean()
        wrong = 0.5 * self.judged(model, "pose", target, at_source).square().mean()
        seen: list[Tensor] = []
        model.discriminators["identity"].register_forward_hook(lambda _, given, __: seen.append(given[0]))
        found = model.discriminator_losses(context(model, batch))
        torch.testing.assert_close(found["d_mismatch"], 0.7 * (right + wrong))
        assert torch.equal(seen[0][:, 3:], torch.cat([source, source]))

    def test_they_have_no_way_into_the_generator(self):
        model = tiny()
        loss = torch.stack(list(model.discriminator_losses(context(model, pairs(2))).values())).sum()
        found = torch.autograd.grad(loss, list(model.generator.parameters()), allow_unused=True)
        assert all(g is None for g in found)


def test_spectral_norm_can_be_left_out():
    def names(model: PoseGAN) -> set[str]:
        return {name for name, _ in model.discriminators.named_parameters() if "parametrizations" in name}

    assert names(tiny())
    assert not names(tiny(spectral_norm=False))


def test_modulation_lets_the_source_scale_the_decoder():
    plain, model, batch = tiny(), tiny(modulation=True), pairs(2)
    assert count_parameters(model.generator) > count_parameters(plain.generator)
    model.generator_losses(context(model, batch))["g_pixel"].backward()
    for layer in model.generator.modulations:
        assert layer.embed.weight.grad.any()


def test_logits_lie_at_an_eighth_of_the_size():
    model, batch = tiny(), pairs(1)
    maps, _ = model._maps(batch)
    assert model.discriminators["pose"](batch.source_image, maps).shape == (1, 1, 16, 8)
    assert model.discriminators["identity"](torch.cat([batch.source_image] * 2, 1)).shape == (1, 1, 16, 8)


def test_without_adversarial_weight_there_is_no_discriminator_update():
    assert [u.name for u in tiny().phases()[0].updates] == ["discriminator", "generator"]
    assert [u.name for u in tiny(adversarial_weight=0.0).phases()[0].updates] == ["generator"]


def test_a_share_of_the_pairs_can_be_of_one_photo():
    assert tiny(self_reconstruction=0.25).phases()[0].self_reconstruction == 0.25
    for share in (-0.5, 2.0):
        with pytest.raises(UserError, match=rf"model\.self_reconstruction is {share}: it"):
            tiny(self_reconstruction=share)


def test_updates_share_one_generator_pass():
    model = tiny()
    made: list[int] = []
    model.generator.register_forward_hook(lambda *_: made.append(1))
    step = context(model, pairs(2))
    model.discriminator_losses(step)
    model.generator_losses(step)
    assert len(made) == 1


class TestFeatureDiscriminator:
    WEIGHT = 3.0

    def model(self, **config: object) -> PoseGAN:
        wanted = {"features": "vgg19_distilled", "feature_adversarial_weight": self.WEIGHT, **config}
        model = tiny(**wanted)
        louder = {key: 3 * value for key, value in random_distilled().items()}  # so that another source changes terms
        model.features = FeatureNetwork(KINDS["vgg19_distilled"], louder)
        return model

    def judged(self, model: PoseGAN, photo: Tensor, batch: Batch) -> list[Tensor]:
        """The logits of photos, from the batch's sources and poses, step by step."""
        still = model.config.background == "still"
        flow = part_flow(batch.source_pose, batch.target_pose, FRAME, 2, still=still)
        moved = move_features(model.features(batch.source_image, COMPARED), flow, 2)
        view = FeatureView({}, {}, moved, model._maps(batch)[1])
        return model.discriminators["features"](view, [model.features(photo, COMPARED)])[0]

    def off(self, wanted: float, scales: list[Tensor]) -> Tensor:
        return 0.5 * torch.stack([(x - wanted).square().mean() for x in scales]).mean()

    def test_every_term_is_its_weight_times_its_definition(self):
        model, batch = self.model(mismatch_weight=0.7).eval(), pairs(3)
        step = context(model, batch)
        image, target = draw(model, batch).image, batch.target_image
        real, fake, other = (self.judged(model, photo, batch) for photo in (target, image, target.roll(1, 0)))
        assert not torch.allclose(self.off(0, fake), self.off(0, other), rtol=1e-3)
        found = model.discriminator_losses(step)
        torch.testing.assert_close(found["d_features"], self.off(1, real) + self.off(0, fake))
        torch.testing.assert_close(found["d_feature_mismatch"], 0.7 * (self.off(1, real) + self.off(0, other)))
        torch.testing.assert_close(model.generator_losses(step)["g_features"], self.WEIGHT * self.off(1, fake))

    def test_another_photo_of_the_person_is_no_mismatch(self):
        model = self.model(mismatch_weight=0.7)
        alone = replace(pairs(2), source_names=("ann/1.jpg", "ann/2.jpg"))
        assert "d_feature_mismatch" not in model.discriminator_losses(context(model, alone))

    @pytest.mark.parametrize("share", [True, False])
    def test_each_update_reaches_its_own_modules_only(self, share):
        model = self.model(adversarial_weight=0.0)
        step = StepContext(model, (pairs(2),), 0, share=share)
        updates = model.phases()[0].updates
        assert updates[0].modules == (model.discriminators["features"],)
        losses = model.discriminator_losses(step)
        assert losses.keys() == {"d_features", "d_feature_mismatch"}
        generator, judge = list(model.generator.parameters()), list(model.discriminators["features"].parameters())
        into = torch.autograd.grad(losses["d_features"], [*judge, *generator], allow_unused=True, retain_graph=True)
        assert all(g is not None and g.any() for g in into[: len(judge)])
        assert all(g is None for g in into[len(judge) :])
        fooled = torch.autograd.grad(model.generator_losses(step)["g_features"], model.generator.image[-2].weight)
        assert fooled[0].any()

    def test_the_frozen_network_sees_each_photo_once_a_step(self):
        model = self.model()
        seen: list[Tensor] = []
        model.features.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        step = context(model, pairs(2))
        model.discriminator_losses(step)
        model.generator_losses(step)
        assert len(seen) == 3  # generated photos, targets and sources

    @pytest.mark.parametrize("background", ["torso", "still"])
    def test_jitter_shifts_photos_and_poses_alike(self, background, monkeypatch):
        model, batch = self.model(feature_jitter=7, background=background).eval(), pairs(2)
        monkeypatch.setattr(torch, "randint", lambda above, size: torch.tensor([3, 5]) if above == 8 else None)
        image = draw(model, batch).image
        source, made, target = (shift_right_down(x, 3, 5) for x in (batch.source_image, image, batch.target_image))
        poses = [
            Pose(p.xy + torch.tensor([3.0, 5.0]), p.visible).crop(0, 0) for p in (batch.source_pose, batch.target_pose)
        ]
        fake = self.judged(model, made, Batch(source, target, *poses))
        found = model.generator_losses(context(model, batch))
        torch.testing.assert_close(found["g_features"], self.WEIGHT * self.off(1, fake))
        expected = perceptual_loss(model.features(made, COMPARED), model.features(target, COMPARED))
        torch.testing.assert_close(found["g_perceptual"], expected)

    def test_a_still_background_is_the_same_wherever_it_is_shifted(self):
        torch.manual_seed(0)
        model = self.model(feature_jitter=7, background="still").eval()
        given = pairs(2)
        batch = Batch(given.source_image, given.source_image, given.source_pose, given.source_pose)
        for _ in range(4):
            view = model._look(batch, given.source_image)
            for tap in COMPARED:
                off = (view.moved[tap] - view.wanted[tap]).abs().mean() / view.wanted[tap].mean()
                assert off < 1e-4

    def test_noise_covers_real_and_generated_photos_alike(self):
        model, batch = self.model(feature_noise=0.5).eval(), pairs(2)
        seen: list[Tensor] = []
        model.features.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        model.generator_losses(context(model, batch))
        generated, target, source = seen
        noise = target - batch.target_image
        torch.testing.assert_close(generated - noise, draw(model, batch).image)
        assert noise.std() == pytest.approx(0.5, rel=0.02)
        assert torch.equal(source, batch.source_image)

    @pytest.mark.parametrize("features", ["none", "vgg19_caffe"])
    def test_it_needs_features_near_one(self, features):
        with pytest.raises(UserError, match=rf"model\.features is {features}: take vgg19 or vgg19_distilled"):
            tiny(feature_adversarial_weight=1.0, features=features)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_updates_that_cannot_share_make_one_generator_pass_each(weight):
    model = TestFeatureDiscriminator().model(feature_adversarial_weight=weight)
    made: list[int] = []
    model.generator.register_forward_hook(lambda *_: made.append(1))
    step = StepContext(model, (pairs(2),), 0, share=False)
    model.generator_losses(step)
    assert len(made) == 1
