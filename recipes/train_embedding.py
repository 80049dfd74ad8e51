"""Train the identity embedding that scores generated pictures; leaves its state in the run folder.

    python recipes/train_embedding.py ../shared/data/market1501 --out runs/embedding

It learns the training people of Market-1501 without the 50 validation people: cross-entropy over identities (cosine
logits) and the batch-hard triplet loss (Hermans et al. 2017) on batches of a few photos each of a few people. All
photos are decoded once into memory. Everything random comes from (seed, step); the same command goes on where it was
stopped. recipes/calibrate_scores.py then measures it on the validation people and writes the file that ships.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.data.cache import list_photos
from posegan.data.pairs import market_identity, people_of, validation_identities
from posegan.data.photos import PhotoFiles
from posegan.identity.network import SIZE, IdentityNet
from posegan.images import to_signed
from posegan.pose import Pose
from posegan.pose.io import load_annotations
from posegan.training.state import load_newest_state, save_state, sole_writer

SCALE = 16.0  # of the cosines, before the softmax
MARGIN = 0.3  # of the triplet loss, in distances of unit vectors


def held_out_people(root: Path) -> frozenset[str]:
    """Return the validation people of Market-1501, those of `MarketPoseDataset`."""
    rows = load_annotations(root / "market-annotation-train.csv")
    names = list(rows)
    people = people_of(names, Pose.stack(list(rows.values())).inside(SIZE).valid, market_identity)
    return validation_identities(person for person, photos in people.items() if len(photos) > 1)


def photos_by_person(root: Path, validation: bool) -> tuple[list[str], Tensor, Tensor]:
    """Return names, photos (N, 3, 128, 64) uint8 and people (N,) as numbers, of validation or of training people."""
    held_out, folder = held_out_people(root), root / "bounding_box_train"
    names = [name for name in list_photos(folder) if (market_identity(name) in held_out) == validation]
    numbers = {person: i for i, person in enumerate(sorted({name[:4] for name in names}))}
    photos = PhotoFiles(folder, names, SIZE).read(torch.arange(len(names)))
    return names, photos, torch.tensor([numbers[name[:4]] for name in names])


def chance(*parts: int) -> torch.Generator:
    """Return a generator that depends on these numbers alone."""
    return torch.Generator().manual_seed(hash(parts) % 2**63)


def draw(groups: list[Tensor], people: int, photos: int, random: torch.Generator) -> Tensor:
    """Return the indices of `photos` photos each of `people` people; a person with fewer is drawn repeatedly."""
    chosen = torch.randperm(len(groups), generator=random)[:people].tolist()
    drawn = []
    for group in (groups[i] for i in chosen):
        order = torch.cat([torch.randperm(len(group), generator=random) for _ in range(-(-photos // len(group)))])
        drawn.append(group[order[:photos]])
    return torch.cat(drawn)


def augment(photos: Tensor, random: torch.Generator) -> Tensor:
    """Return (B, 3, H, W) in [-1, 1] flipped, moved, scaled, in other light, some blurred and partly erased."""
    count, (height, width) = len(photos), photos.shape[-2:]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=random)

    theta = torch.zeros(count, 2, 3)
    scale = uniform(0.85, 1.05)
    theta[:, 0, 0] = scale * (1 - 2 * (uniform(0, 1) < 0.5).float())
    theta[:, 1, 1] = scale * uniform(0.95, 1.05)
    theta[:, :, 2] = uniform(-0.08, 0.08, 2)
    grid = F.affine_grid(theta, list(photos.shape), align_corners=False)
    photos = F.grid_sample(photos, grid, padding_mode="border", align_corners=False)
    blurred = uniform(0, 1) < 0.25  # generated pictures are softer than photos, and softness is nobody's identity
    small = F.interpolate(photos[blurred], scale_factor=0.5, mode="bilinear", antialias=True)
    photos[blurred] = F.interpolate(small, (height, width), mode="bilinear")
    photos = photos * uniform(0.75, 1.25, 1, 1, 1) * uniform(0.93, 1.07, 3, 1, 1) + uniform(-0.2, 0.2, 1, 1, 1)
    rows, columns = torch.arange(height)[None, :, None], torch.arange(width)[None, None, :]
    high, wide = uniform(0.15, 0.45, 1, 1) * height, uniform(0.3, 0.8, 1, 1) * width
    top, left = uniform(0, 1, 1, 1) * (height - high), uniform(0, 1, 1, 1) * (width - wide)
    hole = (rows >= top) & (rows < top + high) & (columns >= left) & (columns < left + wide)
    hole &= (uniform(0, 1) < 0.5)[:, None, None]
    filling = uniform(-1, 1, 3, 1, 1)
    return torch.where(hole[:, None], filling, photos.clamp(-1, 1))


def triplet_loss(vectors: Tensor, people: Tensor) -> Tensor:
    """Return the batch-hard triplet loss: each photo's farthest of the same person against its nearest of others."""
    distance = (2 - 2 * vectors @ vectors.T).clamp(min=1e-6).sqrt()
    same = people[:, None] == people
    farthest = distance.masked_fill(~same, -1).amax(1)
    nearest = distance.masked_fill(same, torch.inf).amin(1)
    return F.relu(farthest - nearest + MARGIN).mean()


def train(options: argparse.Namespace) -> None:
    """Train to the last step, going on from the newest state of the run folder."""
    names, photos, people = photos_by_person(options.data, validation=False)
    groups = [(people == person).nonzero()[:, 0] for person in range(int(people.max()) + 1)]
    print(f"{len(names)} photos of {len(groups)} people", flush=True)
    torch.manual_seed(options.seed)
    net = IdentityNet().train().to(memory_format=torch.channels_last)
    classes = nn.Parameter(torch.randn(len(groups), net.head.out_features))
    learned = [*net.parameters(), classes]
    optimiser = torch.optim.AdamW(learned, lr=options.lr, weight_decay=0.02)
    begun, seconds = 0, 0.0
    found = load_newest_state(options.out / "state")
    if found is not None:
        begun, state = found
        net.load_state_dict(state["net"])
        classes.data.copy_(state["classes"])
        optimiser.load_state_dict(state["optimiser"])
        seconds = state["seconds"]
    clock, logged = time.process_time(), []
    for step in range(begun + 1, options.steps + 1):
        random = chance(options.seed, step)
        for group in optimiser.param_groups:
            group["lr"] = options.lr * min(1, step / 200) * (0.5 + 0.5 * math.cos(math.pi * step / options.steps))
        chosen = draw(groups, options.people, options.photos, random)
        batch = augment(to_signed(photos[chosen]), random).contiguous(memory_format=torch.channels_last)
        vectors = net(batch)
        logits = SCALE * vectors @ F.normalize(classes, dim=1).T
        entropy = F.cross_entropy(logits, people[chosen], label_smoothing=0.1)
        triplet = triplet_loss(vectors, people[chosen])
        optimiser.zero_grad()
        (entropy + triplet).backward()
        optimiser.step()
        right = (logits.argmax(1) == people[chosen]).float().mean().item()
        logged.append((entropy.item(), triplet.item(), right))
        if step % 100 == 0:
            spent = seconds + time.process_time() - clock
            means = [round(sum(values) / len(logged), 4) for values in zip(*logged, strict=True)]
            line = dict(zip(("cross_entropy", "triplet", "right"), means, strict=True))
            with (options.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **line, "cpu_seconds": round(spent)}) + "\n")
            print(step, line, f"{spent:.0f} s", flush=True)
            logged = []
        if step % 250 == 0 or step == options.steps:
            state = {"net": net.state_dict(), "classes": classes.data, "optimiser": optimiser.state_dict()}
            save_state(options.out / "state", step, state | {"seconds": seconds + time.process_time() - clock}, keep=2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of Market-1501 with its training annotations")
    parser.add_argument("--out", type=Path, default=Path("runs/embedding"))
    parser.add_argument("--steps", type=int, default=3500)
    parser.add_argument("--people", type=int, default=16, help="people a batch")
    parser.add_argument("--photos", type=int, default=4, help="photos of each")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    chosen_options = parser.parse_args()
    (chosen_options.out / "state").mkdir(parents=True, exist_ok=True)
    with sole_writer(chosen_options.out):
        train(chosen_options)
