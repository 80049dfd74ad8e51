"""Disentangled: the published counts, each loss by hand, what each phase trains, and factors drawn and exchanged."""

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.part_encoder import BACKGROUND, FOREGROUND
from posegan.losses import gradient_penalty
from posegan.models import StepContext, count_parameters, create_model
from posegan.models.base import Adam, FactorSampler, RMSProp
from posegan.models.disentangled import POSE, Disentangled, halving
from posegan.pose import Pose
from posegan.pose.heatmap import render_discs
from posegan.pose.mask import pose_mask
from posegan.training.step import Stepper
from posegan.weights import WeightsInfo, load_model, save_weights

from ..pairs import FRAME, pairs, people, photos

TINY = {"width": 4, "blocks": 3, "crop": 8, "latent": 4, "hidden": 8, "discriminator_width": 2}
DEEPFASHION = {"size": (256, 256), "background": False, "crop": 64, "growth": "by_legs", "joint_pass": True}


def tiny(**config: object) -> Disentangled:
    torch.manual_seed(0)
    model = create_model("disentangled", **(TINY | config))
    assert isinstance(model, Disentangled)
    return model


def context(model: Disentangled, batch: Batch, streams: int = 1) -> StepContext:
    return StepContext(model, (batch,) * streams, 0)


def reconstruct(model: Disentangled, batch: Batch) -> Tensor:
    with torch.no_grad():
        return model.generator(batch.source_image, batch.source_pose, batch.source_pose).image


def take_steps(model: Disentangled, phase: int, count: int = 1) -> dict[str, Tensor]:
    stepper = Stepper(model, model.phases()[phase], Fabric(accelerator="cpu", devices=1))
    terms = {}
    for i in range(count):
        terms |= stepper.step(i, (pairs(2, seed=i),) * model.phases()[phase].streams, i)
    return terms


@pytest.mark.parametrize(
    ("config", "part", "background", "decoder", "photo_coder", "judge"),
    [
        ({}, 22_308_384, 24_745_600, 71_197_123, 118_549_859, 4_324_737),
        (DEEPFASHION, 57_842_080, 0, 82_088_387, 140_229_219, 10_896_257),
    ],
    ids=["market", "deepfashion"],
)
def test_parameter_counts_are_those_of_the_released_code(config, part, background, decoder, photo_coder, judge):
    with torch.device("meta"):
        model = create_model("disentangled", **config)
    generator, critics = model.generator, model.discriminators
    appearance = generator.appearance
    assert count_parameters(appearance.first) + count_parameters(appearance.stem) == 298_752
    assert count_parameters(appearance.part) == part
    assert (count_parameters(appearance.background) if appearance.background else 0) == background
    assert count_parameters(generator.decoder) == decoder
    assert count_parameters(appearance) + count_parameters(generator.decoder) == photo_coder
    assert count_parameters(generator.pose.encoder) == 2_145_824
    assert count_parameters(generator.pose.decoder) == 2_145_846
    mappers = {"foreground": 2_331_360, "background": 592_256, "pose": 2_134_560}
    released = {"foreground": 903_681, "background": 854_529, "pose": 805_377}  # ours lack the last bias
    for name in generator.factor_names:
        assert count_parameters(generator.mappers[name]) == mappers[name]
        assert count_parameters(critics[name]) == released[name] - 1
    assert ("background" in generator.factor_names) == (background > 0)
    assert count_parameters(critics["photo"]) == judge


def test_embeddings_have_the_published_sizes():
    generator = tiny().generator
    assert isinstance(generator, FactorSampler)
    assert (FOREGROUND, BACKGROUND, POSE) == (224, 128, 32)
    factors = generator.factors(photos(2, FRAME, 0), people(2, FRAME, 1))
    assert {name: tuple(f.shape) for name, f in factors.items()} == {
        "foreground": (2, 224),
        "background": (2, 128),
        "pose": (2, 32),
    }
    assert list(tiny(background=False).generator.factors(photos(1, FRAME, 0), people(1, FRAME, 1))) == [
        "foreground",
        "pose",
    ]


def test_the_embedding_stands_at_every_pixel_beside_the_discs():
    generator = tiny().generator
    embedding, pose = torch.randn(2, 352), people(2, FRAME, 1)
    discs = render_discs(pose, FRAME, 4.0)
    expected = generator.decoder(torch.cat([embedding[:, :, None, None].expand(-1, -1, *FRAME), discs], 1))
    torch.testing.assert_close(generator.decode(embedding, pose, FRAME), expected, rtol=1e-4, atol=1e-5)


def test_the_picture_is_linear_for_the_losses_and_bounded_for_the_user():
    model, batch = tiny(), pairs(1)
    with torch.no_grad():
        model.generator.decoder.last.weight *= 100
    linear = reconstruct(model, batch)
    assert linear.abs().max() > 1
    assert torch.equal(reconstruct(model.eval(), batch), linear.clamp(-1, 1))


def test_appearance_comes_from_the_photo_in_its_own_pose_only():
    model, batch = tiny().eval(), pairs(2)
    seen: list[Tensor] = []
    model.generator.appearance.register_forward_hook(lambda _, args, out: seen.append(out))
    with torch.no_grad():
        for target in (batch.target_pose, people(2, FRAME, 9)):
            model.generator(batch.source_image, batch.source_pose, target)
        model.generator(batch.source_image, people(2, FRAME, 9), batch.target_pose)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


def test_person_and_background_are_told_apart_by_the_mask():
    """A change farther from the mask's rim than the stem sees moves one of the two embeddings only."""
    generator, pose = tiny().eval().generator, people(1, FRAME, 1)
    person = pose_mask(pose, FRAME, 6.0)[:, None].bool()
    reach = 3  # pixels: three convolutions
    near = F.max_pool2d(person.float(), 2 * reach + 1, 1, reach).bool()
    inside = ~F.max_pool2d((~person).float(), 2 * reach + 1, 1, reach).bool()
    photo = photos(1, FRAME, 0)
    before = generator.factors(photo, pose)
    for changed, moves, stays in ((~near, "background", "foreground"), (inside, "foreground", "background")):
        assert changed.any()
        after = generator.factors(torch.where(changed, -photo, photo), pose)
        assert torch.equal(after[stays], before[stays])
        assert not torch.allclose(after[moves], before[moves])


@pytest.mark.parametrize("joint", [False, True])
def test_image_losses_by_hand(joint):
    model, batch = tiny(joint_pass=joint, reconstruction_weight=7.0), pairs(3).self_reconstruction()
    image, target = reconstruct(model, batch), batch.target_image
    judge = model.discriminators["photo"]
    if joint:  # the statistics of the batch norm are those of all six photos
        logits = judge(torch.cat([target, image]))
        real, fake = logits[:3], logits[3:]
    else:
        real, fake = judge(target), judge(image)
    assert not torch.allclose(real, judge(target)) or not joint
    losses = model.image_losses(context(model, batch))
    assert set(losses) == {"g_adversarial", "g_pixel"}
    torch.testing.assert_close(losses["g_adversarial"], -fake.sigmoid().log().mean())
    torch.testing.assert_close(losses["g_pixel"], 7 * (image - target).abs().mean())
    expected = -0.5 * (real.sigmoid().log() + (1 - fake.sigmoid()).log()).mean()
    torch.testing.assert_close(model.discriminator_losses(context(model, batch))["d_adversarial"], expected)


def test_independent_batches_give_the_discriminator_one_of_its_own():
    model = tiny(batches="independent")
    assert model.phases()[0].streams == 2
    batches = (pairs(2, seed=1), pairs(2, seed=2))
    loss = model.discriminator_losses(StepContext(model, batches, 0))["d_adversarial"]
    of_the_second = tiny().discriminator_losses(context(tiny(), batches[1]))["d_adversarial"]
    torch.testing.assert_close(loss, of_the_second)


def test_the_pose_loss_counts_all_54_numbers():
    model, batch = tiny(), pairs(2, seen=0.5).self_reconstruction()
    pose, coder = batch.source_pose, model.generator.pose
    x, y = pose.xy.unbind(-1)
    wanted = torch.stack([2 * x / 64 - 1, 2 * y / 128 - 1, pose.visible.float()], -1)
    assert (wanted[~pose.visible] == torch.tensor([-1.0, -1.0, 0.0])).all()
    numbers = coder.decoder(coder.encoder(wanted.flatten(1))).unflatten(1, (18, 3))
    found = torch.cat([numbers[..., :2], (numbers[..., 2:] > 0).float()], -1)
    expected = 20 * (found - wanted).square().sum() / (2 * 54)
    torch.testing.assert_close(model.pose_losses(context(model, batch))["g_pose"], expected)


def test_sampler_and_critic_losses_by_hand():
    model, batch = tiny(), pairs(3)
    generator, critics = model.generator, model.discriminators

    def drawn() -> dict[str, Tensor]:
        return {n: generator.mappers[n](torch.randn(3, size) * 0.2) for n, size in generator.sizes.items()}

    torch.manual_seed(5)
    expected = {f"g_sample_{n}": -critics[n](d).mean() for n, d in drawn().items()}
    torch.manual_seed(5)
    losses = model.sampler_losses(context(model, batch))
    torch.testing.assert_close(losses, expected)

    torch.manual_seed(6)
    fake, real, expected = drawn(), generator.factors(batch.source_image, batch.source_pose), {}
    for n in ("foreground", "background", "pose"):
        expected[f"d_sample_{n}"] = critics[n](fake[n]).mean() - critics[n](real[n]).mean()
        expected[f"d_penalty_{n}"] = 10 * gradient_penalty(critics[n], real[n], fake[n])
    torch.manual_seed(6)
    losses = model.critic_losses(context(model, batch))
    torch.testing.assert_close(losses, expected)
    assert set(tiny(sampler="clip").critic_losses(context(model, batch))) == {k for k in losses if "penalty" not in k}


def test_three_phases_each_with_its_modules_frozen_else():
    model = tiny()
    generator, critics = model.generator, model.discriminators
    phases = model.phases()
    assert [(p.name, p.steps, p.streams) for p in phases] == [
        ("image", 120_000, 1),
        ("pose", 60_000, 1),
        ("samplers", None, 1),
    ]
    assert all(p.self_reconstruction for p in phases)
    modules: list[dict[str, tuple[nn.Module, ...]]] = [{u.name: u.modules for u in p.updates} for p in phases]
    assert modules == [
        {"image": (generator.appearance, generator.decoder), "discriminator": (critics["photo"],)},
        {"pose": (generator.pose,)},
        {
            "samplers": (generator.mappers,),
            "critics": (critics["foreground"], critics["background"], critics["pose"]),
        },
    ]
    assert [u.every for u in phases[2].updates] == [5, 1]


@pytest.mark.parametrize("phase", range(3))
def test_a_phase_leaves_the_others_weights_alone(phase):
    model = tiny()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    take_steps(model, phase)
    own = (
        ("generator.appearance", "generator.decoder", "discriminators.photo"),
        ("generator.pose",),
        ("generator.mappers", *(f"discriminators.{n}" for n in ("foreground", "background", "pose"))),
    )[phase]
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert moved
    assert all(n.startswith(own) for n in moved)


def test_optimisers_are_those_of_the_paper():
    image, pose, samplers = tiny().phases()
    for update in (*image.updates, *pose.updates):
        assert isinstance(update.optimiser, Adam)
        assert (update.optimiser.lr, update.optimiser.beta1, update.optimiser.beta2) == (2e-5, 0.5, 0.999)
        assert update.optimiser.schedule is not None
        assert [update.optimiser.schedule(s) for s in (0, 49_999, 50_000, 119_999)] == [1, 1, 0.5, 0.25]
    for update in samplers.updates:
        assert isinstance(update.optimiser, Adam)
        assert (update.optimiser.beta1, update.optimiser.beta2) == (0.5, 0.9)
        assert update.optimiser.schedule is not None
        assert [update.optimiser.schedule(s) for s in (249_999, 250_000)] == [1, 0.5]  # five critic steps to a step
    mapper, critic = (u.optimiser for u in tiny(sampler="clip").phases()[2].updates)
    assert isinstance(mapper, RMSProp)
    assert isinstance(critic, RMSProp)
    assert (mapper.lr, mapper.clip, critic.lr, critic.clip) == (2e-5, None, 2e-5, 0.01)
    assert halving(10, 25) == 0.25


def test_clipped_critics_stay_clipped():
    model = tiny(sampler="clip", lr=0.1)
    take_steps(model, 2, 2)
    weights = torch.cat([p.flatten() for n in ("foreground", "pose") for p in model.discriminators[n].parameters()])
    assert weights.abs().max().item() == pytest.approx(0.01)
    assert max(p.abs().max() for p in model.generator.mappers.parameters()) > 0.01


def test_an_untrained_sampler_says_so_and_a_trained_one_is_saved_as_such(tmp_path: Path):
    model, pose = tiny(), people(2, FRAME, 1)
    given = model.generator.factors(photos(1, FRAME, 0), people(1, FRAME, 1))
    for name in ("foreground", "background"):
        rest = {n: f for n, f in given.items() if n not in (name, "pose")}
        with pytest.raises(UserError, match=f"no trained sampler of the {name}: .* or give a {name}"):
            model.generator.sample(pose, FRAME, rest)
    with pytest.raises(UserError, match="no trained sampler of the pose"):
        model.generator.sample_pose(2, FRAME)
    terms = take_steps(model, 2)
    assert {"g_sample_pose", "d_sample_pose", "d_penalty_background"} < set(terms)
    model.eval()
    torch.manual_seed(1)
    images = model.generator.sample(pose, FRAME)
    assert images.shape == (2, 3, *FRAME)
    assert not torch.equal(images[0], images[1])
    save_weights(tmp_path / "w.safetensors", model.generator.state_dict(), WeightsInfo("disentangled", TINY))
    loaded = load_model(tmp_path / "w.safetensors")[0].eval().generator
    assert isinstance(loaded, FactorSampler)
    torch.manual_seed(1)
    assert torch.equal(loaded.sample(pose, FRAME), images)


def test_factors_of_one_photo_redraw_it_and_can_be_exchanged_one_by_one():
    model = tiny().eval()
    generator, batch = model.generator, pairs(2)
    pose = batch.source_pose
    factors = generator.factors(batch.source_image, pose)
    own = {n: factors[n] for n in ("foreground", "background")}
    torch.testing.assert_close(generator.sample(pose, FRAME, own), reconstruct(model, batch))
    swapped = own | {"background": own["background"].flip(0)}
    expected = generator.decode(torch.cat([own["foreground"], own["background"].flip(0)], 1), pose, FRAME)
    torch.testing.assert_close(generator.sample(pose, FRAME, swapped), expected)
    assert not torch.allclose(generator.sample(pose, FRAME, swapped), generator.sample(pose, FRAME, own))
    one_for_all = generator.sample(pose, FRAME, {n: f[:1] for n, f in own.items()})
    torch.testing.assert_close(one_for_all[:1], generator.sample(pose, FRAME, own)[:1])
    with pytest.raises(ValueError, match=r"no factors \['pose'\]"):
        generator.sample(pose, FRAME, factors)


def test_people_are_drawn_at_any_size_in_drawn_poses():
    model = tiny().eval()
    take_steps(model, 2)
    for size in (FRAME, (100, 45), (1, 1)):
        pose = model.generator.sample_pose(3, size)
        assert isinstance(pose, Pose)
        assert len(pose) == 3
        last = torch.tensor([size[1] - 1, size[0] - 1])
        assert ((pose.xy >= 0) & (pose.xy <= last)).all()
        image = model.generator.sample(pose, size)
        assert image.shape == (3, 3, *size)
        assert image.abs().max() <= 1


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("crop", 20, "model.crop is 20: it must be a multiple of 8"),
        ("hidden", 1, "model.hidden"),
        ("blocks", 1, "model.blocks"),
        ("critic_steps", 0, "model.critic_steps"),
        ("lr", 0.0, "model.lr"),
    ],
)
def test_settings_that_cannot_work(option, value, sentence):
    with pytest.raises(UserError, match=sentence):
        tiny(**{option: value})
