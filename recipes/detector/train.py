"""Trains the network of the detector `builtin`; the same command goes on where it was stopped.

    python recipes/detector/train.py --out ../runs/detector/synthetic --steps 1000
    python recipes/detector/train.py --market ../shared/data/market1501 --out ../runs/detector/market \\
        --start ../runs/detector/synthetic/weights.safetensors

The first command uses synthetic people only, the second goes on from there with the training people of Market-1501 and
synthetic people. Every step is a function of its number, so that a run that was stopped ends like one that was not.
`weights.safetensors` in the run folder is the average of the weights that was best on the validation people;
`metrics.jsonl` has the way there.
"""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

import jsonargparse
import torch
import torch.nn.functional as F
from augment import AugmentSettings, Crops, cut
from pictures import VALIDATION_SEED, Examples, market_examples, places, synthetic_examples
from torch import Tensor

from posegan.detect.crop_network import CROP, STRIDE, CropConfig, CropNetwork, joints_of
from posegan.files import atomic_writer
from posegan.training.ema import Ema
from posegan.weights import WeightsInfo, read_weights, save_weights

LICENCE = {
    "market": "For research only: trained on photos of Market-1501, whose terms ask for that.",
    "synthetic": "MIT: trained on synthetic people only.",
}


@dataclass(frozen=True)
class Settings:
    """Everything that a run depends on."""

    out: Path
    """The run folder."""
    market: Path | None = None
    """Folder of Market-1501; without it only synthetic people are used."""
    synthetic: Path = Path("../runs/detector")
    """Where the synthetic pictures are kept once they are rendered."""
    start: Path | None = None
    """Weights to start from instead of random ones."""
    pictures: int = 7200
    """Synthetic pictures to train on."""
    held_out: int = 400
    """Synthetic pictures to validate with, where there is no Market-1501."""
    places: int = 256
    """Places without people, behind and beside those who are made smaller."""
    steps: int = 1600
    """Updates of the weights."""
    batch: int = 32
    """Crops a step."""
    synthetic_share: float = 0.3
    """Share of a step's crops that show synthetic people, where there are others."""
    rate: float = 3e-3
    """Highest learning rate; it rises over the first twentieth of the run and falls to nothing as a cosine."""
    decay: float = 1e-4
    """Weight decay."""
    average: float = 0.998
    """Decay of the running average of the weights, which is what is validated and kept."""
    spread: float = 1.0
    """Standard deviation of the target around a joint, in places of the map."""
    seen: float = 1.0
    """Weight of the loss for whether a joint is seen."""
    validate_every: int = 500
    """Steps between two validations, after which the state is kept too."""
    seed: int = 0
    """Of everything random."""
    augment: AugmentSettings = dataclasses.field(default_factory=AugmentSettings)


@dataclass(frozen=True)
class Score:
    """How near the network comes to the annotations of validation crops. median: pixels. close: share within 5 px."""

    median: float
    close: float
    seen: float
    """Share of joints of which it says rightly whether they are seen."""


def main(settings: Settings) -> None:
    """Train, validate, keep the best."""
    torch.manual_seed(settings.seed)
    network = CropNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=settings.decay)
    average, first, best, seconds = Ema(network, settings.average), 0, -1.0, 0.0
    state = settings.out / "state.pt"
    if state.is_file():
        kept = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"])
        average.module.load_state_dict(kept["average"])
        optimiser.load_state_dict(kept["optimiser"])
        first, best, seconds = kept["step"], kept["best"], kept["seconds"]
        print(f"going on after step {first}", flush=True)
    elif settings.start is not None:
        network.load_state_dict(read_weights(settings.start)[1])
        average = Ema(network, settings.average)
    sources, validation = _examples(settings)
    filling = places(settings.seed, settings.places)
    losses: list[Tensor] = []
    start = time.process_time()
    for step in range(first, settings.steps):
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        parts = []
        for found, count, around_pose in sources:
            rows = torch.randint(len(found), (count,), generator=generator)
            parts.append(cut(found, rows, filling, settings.augment, generator, around_pose))
        crops = Crops(*(torch.cat(kind) for kind in zip(*(_fields(part) for part in parts), strict=True)))
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _share_of_rate(step / settings.steps)
        network.train()
        place, seen = _losses(network, crops, settings.spread)
        optimiser.zero_grad()
        (place + settings.seen * seen).backward()
        optimiser.step()
        average.update(network, step)
        losses.append(torch.stack([place.detach(), seen.detach()]))
        if (step + 1) % settings.validate_every and step + 1 < settings.steps:
            continue
        score = validate(average.module, validation)
        spent = seconds + time.process_time() - start
        row = {"step": step + 1, "cpu_seconds": round(spent), **dataclasses.asdict(score)}
        row |= dict(zip(("place", "seen_loss"), torch.stack(losses).mean(0).tolist(), strict=True))
        losses = []
        print(json.dumps(row), flush=True)
        with (settings.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if score.close > best:
            best = score.close
            _keep(settings, average.module, step + 1)
        with atomic_writer(state) as out:
            torch.save(
                {
                    "network": network.state_dict(),
                    "average": average.module.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                    "best": best,
                    "seconds": spent,
                },
                out,
            )


def _examples(settings: Settings) -> tuple[list[tuple[Examples, int, bool]], Crops]:
    """Return (examples, crops a step, whether they are cut around the pose) of every source, and validation crops."""
    made = synthetic_examples(settings.synthetic / "synthetic.pt", settings.pictures, VALIDATION_SEED - 1)
    if settings.market is None:
        file = settings.synthetic / "synthetic-validation.pt"
        held_out = synthetic_examples(file, settings.held_out, VALIDATION_SEED)
        generator = torch.Generator().manual_seed(1)
        mild = AugmentSettings(zoom=0.1, shift=0.05, turn=0, wild=0, nobody=0, hidden=0)
        crops = cut(held_out, torch.arange(len(held_out)), places(-1, 8), mild, generator, True)
        return [(made, settings.batch, True)], crops
    real, held_out = market_examples(settings.market)
    count = round(settings.synthetic_share * settings.batch)
    seen = held_out.pose.visible
    crops = Crops(held_out.photos.float() / 127.5 - 1, held_out.pose.xy, seen, seen)
    return [(real, settings.batch - count, False), (made, count, True)], crops


def _fields(crops: Crops) -> tuple[Tensor, ...]:
    return crops.image, crops.xy, crops.inside, crops.seen


def _share_of_rate(done: float) -> float:
    rise = 0.05
    if done < rise:
        return (done + 0.001) / rise
    return 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * (done - rise) / (1 - rise)))))


def _losses(network: CropNetwork, crops: Crops, spread: float) -> tuple[Tensor, Tensor]:
    """Return the cross entropy between maps and Gaussians at the joints, and that of whether joints are seen."""
    maps, seen = network(crops.image.to(memory_format=torch.channels_last))
    place = (crops.xy + 0.5) / STRIDE - 0.5
    rows, columns = torch.arange(CROP[0] // STRIDE), torch.arange(CROP[1] // STRIDE)
    down = torch.softmax(-((rows - place[..., 1:]) ** 2) / (2 * spread**2), -1)
    across = torch.softmax(-((columns - place[..., :1]) ** 2) / (2 * spread**2), -1)
    target = (down[..., :, None] * across[..., None, :]).flatten(2)
    entropy = -(target * maps.flatten(2).log_softmax(-1)).sum(-1)
    inside = crops.inside.float()
    return (entropy * inside).sum() / inside.sum().clamp(min=1), F.binary_cross_entropy_with_logits(
        seen, crops.seen.float()
    )


@torch.inference_mode()
def validate(network: torch.nn.Module, crops: Crops) -> Score:
    """Return the scores of a network in evaluation mode on crops."""
    parts = [network(image.to(memory_format=torch.channels_last)) for image in crops.image.split(64)]
    found, _ = joints_of(torch.cat([maps for maps, _ in parts]))
    error = (found - crops.xy).norm(dim=-1)[crops.inside]
    right = (torch.cat([seen for _, seen in parts]) > 0) == crops.seen
    return Score(float(error.median()), float((error <= 5).float().mean()), float(right.float().mean()))


def _keep(settings: Settings, network: torch.nn.Module, step: int) -> None:
    data = "market1501 and synthetic" if settings.market else "synthetic"
    info = WeightsInfo(
        model="detector",
        config=dataclasses.asdict(CropConfig()),
        data=data,
        step=step,
        licence=LICENCE["market" if settings.market else "synthetic"],
    )
    save_weights(settings.out / "weights.safetensors", network.state_dict(), info, half=True)


if __name__ == "__main__":
    settings = jsonargparse.auto_cli(Settings, as_positional=False)
    settings.out.mkdir(parents=True, exist_ok=True)
    main(settings)
