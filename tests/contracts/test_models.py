"""What every registered model keeps, found by name: a new model is tested here as soon as its file exists.

`SETTINGS` makes known models small; a model that is not in it is tested with its own defaults.
"""

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.inference.export import export_generator, on_onnxruntime
from posegan.models import MODELS, Generator, Output, Phase, ReposeModel, StepContext, Update, create_model, model_names
from posegan.pose import Size
from posegan.training.speed import random_features
from posegan.training.step import Stepper
from posegan.weights import WeightsInfo, load_model, save_weights

from ..pairs import pairs, people, photos

pytestmark = pytest.mark.contract

SIZES = ((128, 64), (256, 176), (256, 256))
SIZE = SIZES[0]
SETTINGS: dict[str, dict[str, Any]] = {
    "aps": {"width": 4},
    "deformable": {"width": 4, "reconstruction": "pixels", "reconstruction_weight": 100.0},
    "disentangled": {"width": 16, "blocks": 3, "crop": 16, "hidden": 16, "discriminator_width": 4},
    "patn": {"width": 8, "blocks": 3, "dropout": 0.0},
    "pg2": {"width": 4, "discriminator_width": 4},
    "posegan": {"width": 8, "discriminator_width": 8},
    "sdgan": {"width": 4},
    "vunet": {"width": 4},
}
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {  # other branches with parameters of their own
    "aps": (
        {"norm": "instance", "dropout": 0.0, "gan_loss": "lsgan", "pool": 0},
        {"encoder": "conv", "decoder": "deconv"},
        {"encoder": "conv"},
        {"encoder": "patn", "decoder": "deconv"},
        {"content": "constant"},
        {"modulation": "adain"},
        {"attention": False},
        {"foreground": False},
    ),
    "deformable": (
        {"warp": "none"},
        {"warp": "full"},
        {"warp": "stn"},
        {"batches": "independent"},
        {"norm": "instance"},
    ),
    "disentangled": (
        {"background": False, "growth": "by_legs", "joint_pass": True},
        {"sampler": "clip"},
        {"batches": "independent"},
    ),
    "patn": ({"norm": "instance"}, {"gan_loss": "lsgan", "pool": 0}, {"blocks": 1}),
    "pg2": ({"scheme": "triplet_joint"}, {"scheme": "pair"}, {"batches": "independent"}, {"refine_skips": "all"}),
    "posegan": (
        {"deform": "affine"},
        {"deform": "flow"},
        {"attention": False},
        {"depth": 3, "blocks": 2},
        {"features": "vgg19_distilled", "feature_adversarial_weight": 4.0, "feature_jitter": 7, "feature_noise": 0.1},
    ),
    "sdgan": ({"scales": 1}, {"scales": 4}, {"attention": "gate"}, {"batches": "independent"}, {"norm": "instance"}),
    "vunet": ({"box_factor": 2}, {"bottleneck_factor": 3, "latent_scales": 3}),
}
BATCH_TERMS: dict[str, dict[str, Any]] = {  # switches off noise and losses that compare the pairs of a batch
    "disentangled": {"noise": 0.0, "sampler": "clip"},
    "posegan": {"mismatch_weight": 0.0},
}
OVERFIT_STEPS = {"disentangled": 60, "pg2": 100}  # they start from grey, without norm layers that would speed it up
FOLDER = TemporaryDirectory()  # for weights of feature networks
EVERY = [pytest.param(name, {}, id=name) for name in model_names()]
EVERY_VARIANT = EVERY + [
    pytest.param(name, variant, id=f"{name}-{'-'.join(f'{k}={v}' for k, v in variant.items())}")
    for name, variants in VARIANTS.items()
    for variant in variants
]
every_model = pytest.mark.parametrize(("name", "options"), EVERY)
every_variant = pytest.mark.parametrize(("name", "options"), EVERY_VARIANT)


def settings(name: str, size: Size = SIZE, **options: Any) -> dict[str, Any]:
    """Return the config of a small model that needs no weights of others."""
    fields = {f.name for f in dataclasses.fields(MODELS.get(name).Config)}
    needed = {"size": size} | ({"features": "none"} if "features" in fields else {})
    chosen = needed | SETTINGS.get(name, {}) | options
    if chosen.get("features", "none") != "none":
        chosen["features_path"] = str(random_features(chosen["features"], Path(FOLDER.name)))
    return chosen


def new(name: str, size: Size = SIZE, **options: Any) -> ReposeModel:
    torch.manual_seed(0)
    model = create_model(name, **settings(name, size, **options))
    settle(model.generator)
    return model


def settle(generator: nn.Module) -> None:
    """Give batch norms the statistics of a batch: with those of a new layer, pictures hardly depend on the input."""
    norms = [layer for layer in generator.modules() if isinstance(layer, nn.BatchNorm2d)]
    if norms:
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 1.0
        draw(generator, pairs(4))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def draw(generator: nn.Module, batch: Batch) -> Output:
    with torch.no_grad():
        output: Output = generator(batch.source_image, batch.source_pose, batch.target_pose)
    return output


def assert_pictures(image: Tensor, count: int, size: Size) -> None:
    assert image.shape == (count, 3, *size)
    assert image.isfinite().all()
    assert image.abs().max() <= 1


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def streams(phase: Phase, seed: int = 0, count: int = 2) -> tuple[Batch, ...]:
    return tuple(pairs(count, SIZE, seed=seed + i) for i in range(phase.streams))


def train(model: ReposeModel, phase: Phase, fabric: Fabric, steps: int, seed: int = 0) -> None:
    stepper = Stepper(model, phase, fabric)
    for step in range(steps):
        terms = stepper.step(step, streams(phase, seed + step), step)
        assert terms
        assert all(value.dim() == 0 and value.isfinite() for value in terms.values())


def with_lr(phase: Phase, lr: float) -> Phase:
    updates = (
        dataclasses.replace(u, optimiser=dataclasses.replace(u.optimiser, lr=lr, schedule=None)) for u in phase.updates
    )
    return dataclasses.replace(phase, updates=tuple(updates))


def every_update(model: ReposeModel) -> Iterator[tuple[Phase, Update]]:
    for phase in model.phases():
        for update in phase.updates:
            yield dataclasses.replace(phase, updates=(update,)), update


def parameters(*modules: nn.Module) -> dict[int, nn.Parameter]:
    return {id(p): p for module in modules for p in module.parameters()}


@every_model
@pytest.mark.parametrize("size", SIZES)
def test_one_photo_of_each_published_size(name, options, size):
    generator = new(name, size, **options).eval().generator
    assert_pictures(draw(generator, pairs(1, size)).image, 1, size)


@every_model
@pytest.mark.parametrize("size", [(256, 176), (100, 45)])
def test_a_model_runs_at_sizes_that_it_was_not_built_for(name, options, size):
    generator = new(name, **options).eval().generator
    assert_pictures(draw(generator, pairs(2, size)).image, 2, size)


@every_variant
@pytest.mark.parametrize("seen", [0.5, 0.0], ids=["some", "none"])
def test_missing_joints_give_pictures_losses_and_gradients(name, options, seen):
    model = new(name, **options)
    batch = pairs(2, seen=seen)
    assert draw(model.generator, batch).image.isfinite().all()
    assert_pictures(draw(model.generator.eval(), batch).image, 2, SIZE)  # a linear output is bounded in eval mode only
    model.train()
    for phase, update in every_update(model):
        losses = update.loss(StepContext(model, (batch,) * phase.streams, 0))
        assert losses
        assert all(value.dim() == 0 and value.isfinite() for value in losses.values())
        trained = [p for p in parameters(*update.modules).values() if p.requires_grad]
        gradients = torch.autograd.grad(sum(losses.values()), trained, allow_unused=True, materialize_grads=True)
        assert all(g.isfinite().all() for g in gradients)


@every_variant
def test_three_steps_move_every_parameter_that_a_phase_trains(name, options, fabric):
    model = new(name, **options)
    for phase in model.phases():
        before = copy.deepcopy(dict(model.named_parameters()))
        trained = {i for u in phase.updates for i, p in parameters(*u.modules).items() if p.requires_grad}
        train(model, phase, fabric, 3)
        moved = {n: not torch.equal(p, before[n]) for n, p in model.named_parameters()}
        assert moved == {n: id(p) in trained for n, p in model.named_parameters()}


@every_variant
def test_all_phases_together_train_every_parameter(name, options):
    model = new(name, **options)
    trained = {i for phase in model.phases() for u in phase.updates for i in parameters(*u.modules)}
    assert {n for n, p in model.named_parameters() if id(p) not in trained} == set()


@every_variant
def test_an_update_touches_only_its_own_modules(name, options, fabric):
    model = new(name, **options)
    for phase, update in every_update(model):
        own = parameters(*update.modules)
        before = copy.deepcopy(dict(model.named_parameters()))
        train(model, phase, fabric, 1)
        for n, p in model.named_parameters():
            assert p.grad is None
            assert id(p) in own or torch.equal(p, before[n])


@every_model
def test_a_saved_model_draws_the_same_pictures(name, options, tmp_path: Path):
    config = settings(name, **options)
    model = new(name, **options).eval()
    save_weights(tmp_path / "w.safetensors", model.generator.state_dict(), WeightsInfo(name, config))
    loaded, info = load_model(tmp_path / "w.safetensors")
    assert type(loaded) is type(model)
    assert info.model == name
    batch = pairs(2, seed=3)
    assert torch.equal(draw(loaded.generator, batch).image, draw(model.generator, batch).image)


@every_variant
@pytest.mark.parametrize("size", [SIZE, (100, 45)])
def test_evaluation_is_deterministic_and_a_photo_can_be_encoded_once(name, options, size):
    generator = new(name, **options).eval().generator
    assert isinstance(generator, Generator)
    batch = pairs(2, size)
    image = draw(generator, batch).image
    assert torch.equal(draw(generator, batch).image, image)
    with torch.no_grad():
        source_pose, target_pose, another = (
            generator.fit_pose(p, size) for p in (batch.source_pose, batch.target_pose, people(2, size, 9))
        )
        features = generator.encode(generator.fit(batch.source_image), source_pose)
        rendered = generator.render(features, source_pose, target_pose).image
        again = generator.render(features, source_pose, another).image
    assert torch.equal(generator.restore(rendered, size), image)
    assert not torch.equal(again, rendered)


@every_variant
def test_a_picture_does_not_depend_on_its_neighbours_in_the_batch(name, options):
    generator = new(name, **options).eval().generator
    batch = pairs(3, seen=0.8)
    whole = draw(generator, batch).image
    for i in range(3):
        torch.testing.assert_close(draw(generator, batch[i : i + 1]).image, whole[i : i + 1], rtol=0, atol=1e-4)


@every_model
def test_memory_order_is_of_no_consequence(name, options):
    model, batch = new(name, **options).eval(), pairs(2)
    image = draw(model.generator, batch).image
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = draw(model.generator, batch.to("cpu", channels_last=True)).image
    torch.testing.assert_close(found, image, rtol=0, atol=1e-4)


@every_model
def test_memory_order_is_of_no_consequence_to_training(name, options, fabric):
    """Adam's first step moves each weight against the sign of its gradient, whatever order memory has."""
    moves: list[Tensor] = []
    for order in (torch.contiguous_format, torch.channels_last):
        model = new(name, **options).eval().to(memory_format=order)  # type: ignore[call-overload]
        before = [p.detach().clone() for p in model.parameters()]
        for phase in model.phases():
            batches = tuple(b.to("cpu", channels_last=order is torch.channels_last) for b in streams(phase))
            Stepper(model, phase, fabric).step(0, batches, 0)
        pairs_of = zip(model.parameters(), before, strict=True)
        moves.append(torch.cat([(p - old).contiguous().sign().flatten() for p, old in pairs_of]))
    assert (moves[0] == moves[1]).float().mean() > 0.98


@every_variant
def test_bfloat16_autocast_draws_nearly_the_same_and_trains(name, options, fabric):
    model, batch = new(name, **options).eval(), pairs(2)
    image = draw(model.generator, batch).image
    with torch.autocast("cpu", torch.bfloat16):
        half = draw(model.generator, batch).image
    assert (half.float() - image).abs().mean() < 0.02
    model.train()
    for phase in model.phases():
        train(model, phase, Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"), 1)
    assert all(p.isfinite().all() for p in model.parameters())


@every_model
def test_equal_seeds_train_equal_weights(name, options, fabric):
    def weights() -> list[Tensor]:
        model = new(name, **options)
        for phase in model.phases():
            train(model, phase, fabric, 2)
        return list(model.state_dict().values())

    for first, second in zip(weights(), weights(), strict=True):
        assert torch.equal(first, second)


@every_model
def test_accumulated_gradients_are_those_of_the_whole_batch(name, options, fabric):
    """In evaluation mode, because dropout and power iterations differ from pass to pass by design."""
    found: list[dict[str, Tensor]] = []
    for accumulate in (1, 2):
        model = new(name, **options, **BATCH_TERMS.get(name, {})).eval()
        names = {id(p): n for n, p in model.named_parameters()}
        gradients: dict[str, Tensor] = {}
        for phase in model.phases():
            stepper = Stepper(model, with_lr(phase, 0.0), fabric, accumulate)
            for key, optimiser in stepper.optimisers.items():

                def keep(
                    optimiser: torch.optim.Optimizer, *_: Any, key: str = key, into=gradients, names=names
                ) -> None:
                    for p in optimiser.param_groups[0]["params"]:
                        into[f"{key}.{names[id(p)]}"] = p.grad.clone()

                optimiser.register_step_pre_hook(keep)
            stepper.step(0, streams(phase, count=4), 0)
        found.append(gradients)
    assert found[0].keys() == found[1].keys()
    assert any(g.any() for g in found[0].values())
    for key, gradient in found[0].items():
        scale = gradient.abs().max().item()
        torch.testing.assert_close(
            found[1][key], gradient, rtol=1e-3, atol=1e-3 * scale + 1e-7, msg=lambda m, k=key: f"{k}: {m}"
        )


@every_model
def test_it_overfits_one_batch(name, options, fabric):
    model, batch = new(name, **options), pairs(1, seed=4)
    if all(phase.self_reconstruction for phase in model.phases()):
        batch = batch.self_reconstruction()

    def distance() -> float:
        model.generator.eval()
        image = draw(model.generator, batch).image
        model.generator.train()
        return (image - batch.target_image).abs().mean().item()

    before = distance()
    for phase in model.phases():
        stepper = Stepper(model, with_lr(phase, 3e-3), fabric)
        for step in range(OVERFIT_STEPS.get(name, 40)):
            stepper.step(step, (batch,) * phase.streams, step)
    assert distance() < 0.55 * before


@pytest.mark.timeout(1200)  # an export takes minutes where others work too
@pytest.mark.parametrize(
    ("name", "options", "split"),
    [
        *(pytest.param(name, {}, True, id=name) for name in model_names()),
        pytest.param("deformable", {"warp": "stn"}, True, id="deformable-stn"),
        pytest.param("posegan", {"background": "still"}, True, id="posegan-still"),
        pytest.param("posegan", {}, False, id="posegan-whole"),  # the others' whole files: the same operations
    ],
)
def test_onnx_equals_torch_for_any_batch_and_any_joints(name, options, split):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra posegan[export]")
    model = new(name, **options).generator.eval()
    files = export_generator(model, SIZE, split=split)
    onnx = on_onnxruntime(files, SIZE)
    for count, seen in ((1, 1.0), (3, 0.7), (2, 0.0)):
        photo, source, target = photos(count, SIZE, 5), people(count, SIZE, 5, seen), people(count, SIZE, 6, seen)
        with torch.inference_mode():
            found, wanted = (generator(photo, source, target).image for generator in (onnx, model))
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)
