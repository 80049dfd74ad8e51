"""Train the identity embedding that scores generated pictures: about one CPU minute, so it does not resume.

    python recipes/train_embedding.py ../shared/data/market1501 --out runs/embedding.safetensors

It learns the training people of Market-1501 without the 50 validation people: its colours are the k-means of their
pixels, its map comes from cross-entropy over identities (cosine logits) and the batch-hard triplet loss (Hermans et al.
2017) on batches of a few photos each of a few people. The histograms are made once, before training. Everything random
comes from (seed, step). recipes/calibrate_scores.py then measures it on the validation people and sets the limits of
its verdicts, without which it calls everybody doubtful.
"""

import argparse
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.data.cache import list_photos
from posegan.data.pairs import people_of, validation_identities
from posegan.data.photos import PhotoFiles
from posegan.identity.embedding import Limits, save_embedding
from posegan.identity.network import SIZE, IdentityNet, opponent_colours
from posegan.images import to_signed
from posegan.people import market_identity
from posegan.pose import Pose
from posegan.pose.io import load_annotations

SCALE = 16.0  # of the cosines, before the softmax
MARGIN = 0.3  # of the triplet loss, in distances of unit vectors
DROPPED = 0.3  # share of a histogram that a step does not see
LICENCE = "For research only: trained on Market-1501, whose terms ask that."


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


def k_means(points: Tensor, count: int, random: torch.Generator, rounds: int = 15) -> Tensor:
    """Return `count` centres of points (N, 3)."""
    centres = points[torch.randperm(len(points), generator=random)[:count]].clone()
    for _ in range(rounds):
        nearest = torch.cdist(points, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        sizes = torch.bincount(nearest, minlength=count)[:, None]
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
    return centres


def draw(groups: list[Tensor], people: int, photos: int, random: torch.Generator) -> Tensor:
    """Return the indices of `photos` photos each of `people` people; a person with fewer is drawn repeatedly."""
    chosen = torch.randperm(len(groups), generator=random)[:people].tolist()
    drawn = []
    for group in (groups[i] for i in chosen):
        order = torch.cat([torch.randperm(len(group), generator=random) for _ in range(-(-photos // len(group)))])
        drawn.append(group[order[:photos]])
    return torch.cat(drawn)


def triplet_loss(vectors: Tensor, people: Tensor) -> Tensor:
    """Return the batch-hard triplet loss: each photo's farthest of the same person against its nearest of others."""
    distance = (2 - 2 * vectors @ vectors.T).clamp(min=1e-6).sqrt()
    same = people[:, None] == people
    farthest = distance.masked_fill(~same, -1).amax(1)
    nearest = distance.masked_fill(same, torch.inf).amin(1)
    return F.relu(farthest - nearest + MARGIN).mean()


@torch.no_grad()
def set_colours(net: IdentityNet, photos: Tensor, random: torch.Generator) -> Tensor:
    """Give the network its colours, their spread and the mean of the photos' histograms; returns those histograms."""
    some = photos[torch.randperm(len(photos), generator=random)[:400]]
    pixels = opponent_colours(to_signed(some)).permute(0, 2, 3, 1).reshape(-1, 3)
    pixels = pixels[torch.randperm(len(pixels), generator=random)[:50_000]]
    net.colours.copy_(k_means(pixels, len(net.colours), random))
    gaps = torch.cdist(net.colours, net.colours).fill_diagonal_(torch.inf).amin(1)
    net.spread.copy_(0.5 * gaps.mean() ** 2)
    histograms = torch.cat([net.histograms(to_signed(chunk)) for chunk in photos.split(32)])  # 32 stay in the cache
    net.mean.copy_(histograms.mean(0))
    net.deviation.copy_((histograms - net.mean).std())
    return histograms


def train(photos: Tensor, people: Tensor, options: argparse.Namespace) -> IdentityNet:
    """Return a network trained on photos (N, 3, 128, 64) uint8 of people (N,)."""
    torch.manual_seed(options.seed)
    net = IdentityNet(options.colours)
    histograms = set_colours(net, photos, chance(options.seed, 0))
    classes = nn.Parameter(torch.randn(int(people.max()) + 1, net.head.out_features))
    groups = [(people == person).nonzero()[:, 0] for person in range(len(classes))]
    optimiser = torch.optim.AdamW([*net.head.parameters(), classes], lr=options.lr, weight_decay=0.05)
    clock = time.process_time()
    for step in range(1, options.steps + 1):
        random = chance(options.seed, step)
        for group in optimiser.param_groups:
            group["lr"] = options.lr * (0.5 + 0.5 * math.cos(math.pi * step / options.steps))
        chosen = draw(groups, options.people, options.photos, random)
        seen = histograms[chosen]
        kept = (torch.rand(seen.shape, generator=random) >= DROPPED) / (1 - DROPPED)
        vectors = net.compare(net.mean + (seen - net.mean) * kept)
        logits = SCALE * vectors @ F.normalize(classes, dim=1).T
        entropy = F.cross_entropy(logits, people[chosen], label_smoothing=0.1)
        triplet = triplet_loss(vectors, people[chosen])
        optimiser.zero_grad()
        (entropy + triplet).backward()
        optimiser.step()
        if step % 250 == 0:
            spent = time.process_time() - clock
            print(f"{step}: cross-entropy {entropy:.3f}, triplet {triplet:.3f}, {spent:.0f} s", flush=True)
    return net


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of Market-1501 with its training annotations")
    parser.add_argument("--out", type=Path, default=Path("runs/embedding.safetensors"))
    parser.add_argument("--colours", type=int, default=64)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--people", type=int, default=24, help="people a batch")
    parser.add_argument("--photos", type=int, default=4, help="photos of each")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    chosen_options = parser.parse_args()
    _, training_photos, training_people = photos_by_person(chosen_options.data, validation=False)
    print(f"{len(training_photos)} photos of {int(training_people.max()) + 1} people", flush=True)
    trained = train(training_photos, training_people, chosen_options)
    described = "Market-1501, 701 training people"
    save_embedding(chosen_options.out, trained, Limits(1, -1), described, chosen_options.steps, LICENCE)
    print(f"{time.process_time():.0f} CPU seconds in all; wrote {chosen_options.out}")
