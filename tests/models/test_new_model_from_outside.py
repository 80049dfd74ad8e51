"""A model written outside the package works through its doors without a line of posegan being edited."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.models import (
    MODELS,
    Generator,
    Output,
    Phase,
    ReposeModel,
    StepContext,
    Update,
    create_model,
    model_names,
    register_model,
)
from posegan.models.base import Adam, Features, Losses, ModelConfig
from posegan.pose import Pose, render_heatmap
from posegan.training.step import Stepper
from posegan.weights import WeightsInfo, load_model, save_weights

from ..pairs import FRAME, pairs, photos

NAME = "test-repainter"


@dataclass(frozen=True)
class RepainterConfig(ModelConfig):
    """Settings of the smallest model that could be."""

    width: int = 4
    """Channels."""
    judged: bool = False
    """Whether there is a discriminator."""


class Repainter(Generator):
    size_multiple = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, width, 3, padding=1)
        self.paint = nn.Conv2d(width + 18, 3, 3, padding=1)

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        return (self.look(source),)

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        size = features[0].shape[-2], features[0].shape[-1]
        painted = self.paint(torch.cat([features[0], render_heatmap(target_pose, size)], 1))
        return Output(painted.tanh(), {"coarse": [painted]})


class RepainterModel(ReposeModel):
    """Two phases: pixels first, then against a discriminator that is updated on every other step."""

    Config = RepainterConfig

    def __init__(self, config: RepainterConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Repainter(config.width)
        self.discriminators = nn.ModuleDict({"photo": nn.Conv2d(3, 1, 4, stride=4)} if config.judged else {})

    def phases(self) -> list[Phase]:
        pixels = Update(
            "pixels", (self.generator,), self.pixel_losses, Adam(lr=1e-2, schedule=lambda step: 1 / (1 + step))
        )
        if not self.config.judged:
            return [Phase("pixels", (pixels,))]
        judge = Update("judge", (self.discriminators,), self.judge_losses, Adam(), every=2)
        return [Phase("pixels", (pixels,), steps=2), Phase("adversarial", (judge, pixels), streams=2)]

    def pixel_losses(self, context: StepContext) -> dict[str, Tensor]:
        return {"g_pixel": F.l1_loss(context.generate().image, context.batches[0].target_image)}

    def judge_losses(self, context: StepContext) -> dict[str, Tensor]:
        judge = self.discriminators["photo"]
        real, fake = judge(context.batches[0].target_image), judge(context.fake(1))
        return {"d_real": (real - 1).square().mean(), "d_fake": fake.square().mean()}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    register_model(NAME)(RepainterModel)
    yield
    del MODELS._entries[NAME]


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def test_it_is_found_by_name_and_typos_in_its_options_are_answered():
    assert NAME in model_names()
    assert isinstance(create_model(NAME, width=2), RepainterModel)
    with pytest.raises(UserError, match="Unknown option of model 'test-repainter': 'judge'; did you mean 'judged'"):
        create_model(NAME, judge=True)
    with pytest.raises(UserError, match="did you mean 'test-repainter'"):
        create_model("test-repaint")


def test_the_stepper_trains_it(fabric):
    torch.manual_seed(0)
    model, batch = create_model(NAME), pairs(2)
    (phase,) = model.phases()
    stepper = Stepper(model, phase, fabric)
    losses = [stepper.step(step, (batch,), step)["g_pixel"].item() for step in range(20)]
    assert losses[-1] < 0.9 * losses[0]


def test_its_phases_streams_and_intervals_are_kept(fabric):
    model = create_model(NAME, judged=True)
    first, second = model.phases()
    assert (first.steps, first.streams, second.steps, second.streams) == (2, 1, None, 2)
    stepper = Stepper(model, second, fabric)
    batches = (pairs(2, seed=0), pairs(2, seed=1))
    names = [stepper.step(step, batches, step).keys() for step in range(3)]
    assert names == [{"d_real", "d_fake", "g_pixel"}, {"g_pixel"}, {"d_real", "d_fake", "g_pixel"}]


def test_its_learning_rate_follows_the_step_of_the_phase(fabric):
    model = create_model(NAME)
    stepper = Stepper(model, model.phases()[0], fabric)
    rates = []
    for number, step in ((0, 100), (1, 101), (4, 104)):
        stepper.step(number, (pairs(1),), step)
        rates.append(stepper.optimisers["pixels"].param_groups[0]["lr"])
    assert rates == pytest.approx([1e-2, 1e-2 / 2, 1e-2 / 5])


def test_any_size_is_padded_and_cut_for_it():
    generator = create_model(NAME).generator
    batch = pairs(1, (37, 18))
    with torch.no_grad():
        output = generator(batch.source_image, batch.source_pose, batch.target_pose)
    assert output.image.shape == (1, 3, 37, 18)
    assert output.aux["coarse"][0].shape == (1, 3, 40, 20)
    assert generator.fit(photos(1, (40, 20), 0)).shape == (1, 3, 40, 20)


def test_a_design_of_one_size_gets_stretched_photos_and_poses():
    class Peek(Generator):
        stretch_to = (64, 64)

        def encode(self, source: Tensor, source_pose: Pose) -> Features:
            self.seen = source, source_pose
            return (source,)

        def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
            self.target = target_pose
            return Output(features[0])

    generator, batch = Peek(), pairs(2, (128, 32))
    image = generator(batch.source_image, batch.source_pose, batch.target_pose).image
    source, pose = generator.seen
    assert source.shape == (2, 3, 64, 64)
    assert torch.equal(pose.xy, (batch.source_pose.xy + 0.5) * torch.tensor([2.0, 0.5]) - 0.5)
    assert torch.equal(generator.target.xy, (batch.target_pose.xy + 0.5) * torch.tensor([2.0, 0.5]) - 0.5)
    assert image.shape == (2, 3, 128, 32)
    square = pairs(1, (64, 64))
    assert torch.equal(
        generator(square.source_image, square.source_pose, square.target_pose).image, square.source_image
    )


def test_a_phase_may_make_each_photo_its_own_target(fabric):
    model = create_model(NAME)
    seen: list[Batch] = []

    def loss(context: StepContext) -> Losses:
        seen.extend(context.batches)
        return {"g_pixel": context.generate().image.square().mean()}

    update = Update("pixels", (model.generator,), loss, Adam())
    batch = pairs(2)
    for own in (False, True):
        Stepper(model, Phase("p", (update,), self_reconstruction=own), fabric).step(0, (batch,), 0)
    assert torch.equal(seen[0].target_image, batch.target_image)
    assert torch.equal(seen[1].target_image, batch.source_image)
    assert torch.equal(seen[1].target_pose.xy, batch.source_pose.xy)


@pytest.mark.parametrize(("share", "own"), [(0.25, 4), (0.1, 2), (0.5, 8), (1.0, 16)])
@pytest.mark.parametrize("pairs_each", [1, 2, 4])
def test_a_share_of_own_targets_holds_whatever_the_batch(share: float, own: int, pairs_each: int, fabric):
    """Over 16 pairs of a run, in steps of a few."""
    model = create_model(NAME)
    seen: list[bool] = []

    def loss(context: StepContext) -> Losses:
        given = context.batches[0]
        seen.extend(torch.equal(*both) for both in zip(given.source_image, given.target_image, strict=True))
        return {"g_pixel": context.generate().image.square().mean()}

    update = Update("pixels", (model.generator,), loss, Adam())
    stepper = Stepper(model, Phase("p", (update,), self_reconstruction=share), fabric)
    for step in range(16 // pairs_each):
        stepper.step(step, (pairs(pairs_each),), step)
    assert sum(seen) == own
    assert seen == [k % round(1 / share) == 0 for k in range(16)]


def test_its_weights_are_saved_and_loaded_by_name(tmp_path: Path):
    model = create_model(NAME, width=3).eval()
    info = WeightsInfo(NAME, {"size": [128, 64], "width": 3, "judged": False})
    save_weights(tmp_path / "w.safetensors", model.generator.state_dict(), info)
    loaded, _ = load_model(tmp_path / "w.safetensors")
    batch: Batch = pairs(1)
    inputs = batch.source_image, batch.source_pose, batch.target_pose
    with torch.no_grad():
        assert torch.equal(loaded.generator(*inputs).image, model.generator(*inputs).image)
    assert loaded.config == RepainterConfig(FRAME, 3)
