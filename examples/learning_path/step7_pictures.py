"""Step 7: makes the three pictures of the page step7_posegan.md, and prints the numbers in them.

Everybody in them is synthetic and the weights are those that ship with posegan. The two discriminators do not ship, as
only training needs them; they are trained here for a while, against the finished generator. The pictures of the page
come from a longer while:

    python examples/learning_path/step7_pictures.py --features vgg19_distilled_16x.pth --steps 1000

Without --features, the file of a small VGG19, there is no perceptual loss, and nearest neighbours are sought in pixels.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from program import Figure, require_own, save
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from posegan.batch import Batch
from posegan.cli.parser import Parser, positive
from posegan.data.synthetic import SyntheticPeople
from posegan.errors import UserError
from posegan.images import to_pil, to_signed
from posegan.layers.features import load_features
from posegan.layers.part_flow import part_flow
from posegan.layers.warp import sample_pixels, warp_by_flow
from posegan.models.base import Output, StepContext
from posegan.models.posegan import PoseGAN
from posegan.pose import draw_pose
from posegan.pose.affine import part_affines
from posegan.pose.heatmap import render_heatmap
from posegan.pose.parts import part_masks
from posegan.weights import find_weights, load_model

WEIGHTS, SIZE = "posegan-synthetic", (128, 64)
PEOPLE, JUDGED, SHOWN = 64, 24, 1  # pairs to average over; those the discriminators learn; the one in the pictures
STEPS, BATCH = 300, 6  # of the discriminators
TERMS = {  # posegan's loss terms in the order of the page
    "g_pixel": "pixels (L1)",
    "g_structural": "structure",
    "g_colour": "colours",
    "g_perceptual": "perceptual",
    "g_nearest": "nearest neighbour",
    "g_pose": "adversarial, pose",
    "g_identity": "adversarial, identity",
    "g_smoothness": "flow smoothness",
}


class Pairs(NamedTuple):
    """Pairs of photos with what only synthetic people can tell.

    strangers: each target photo with another person in it. places (B, H, W, 2), seen (B, H, W): where in the source
    photo the point of the body lies that a target pixel shows, and whether it is seen there.
    """

    batch: Batch
    strangers: Tensor
    places: Tensor
    seen: Tensor


def render_pairs(count: int = PEOPLE) -> Pairs:
    """Return pairs taken by one camera in one place, so that a difference between the photos is one of pose."""
    people = SyntheticPeople(count, SIZE, 2, seed=2026, one_background=True)
    person, pose, view, place = people.seeds(range(0, 2 * count, 2))
    source = people.render(person, pose, view, place, surface=True)
    target = people.render(person, pose + 1, view, place, surface=True)
    strangers = people.render(person.roll(1), pose + 1, view, place)
    poses = [sample.pose.inside(SIZE) for sample in (source, target)]
    batch = Batch(to_signed(source.image), to_signed(target.image), poses[0], poses[1])
    return Pairs(batch, to_signed(strangers.image), *people.correspondence(source, target))


def bundled_model(features: Path | None) -> PoseGAN:
    """Return posegan's model with the shipped generator and new discriminators."""
    torch.manual_seed(0)  # of the discriminators
    model, _ = load_model(find_weights(WEIGHTS))
    model.discriminators.pop("features")  # the third one, which the page only mentions
    assert isinstance(model, PoseGAN)
    model.generator.requires_grad_(False)
    if features is not None:
        model.features = load_features("vgg19_distilled", features)
    return model


def skips(pairs: Pairs, still: bool) -> dict[str, Tensor]:
    """Return what three kinds of skip hand the decoder at full resolution, if a feature map is the photo itself.

    plain: pixel (x, y) of the source for pixel (x, y) of the target. parts: the source pixel to which the affine of
    the body part leads. best: the source pixel that shows the same point of the body, grey where none does.
    """
    batch = pairs.batch
    flow = part_flow(batch.source_pose, batch.target_pose, SIZE, 1, still=still)
    moved = warp_by_flow(batch.source_image, flow)
    best = sample_pixels(batch.source_image, pairs.places).where(pairs.seen[:, None], 0.6)
    return {"plain skip": batch.source_image, "warped by parts": moved, "the best there is": best}


def difference(photos: Tensor, pairs: Pairs) -> Tensor:
    """Return the mean absolute difference (B,) to the targets, on the pixels whose point both photos show."""
    apart = (photos - pairs.batch.target_image).abs().mean(1) * pairs.seen
    return apart.sum((1, 2)) / pairs.seen.sum((1, 2)).clamp_min(1)


class Shown(StepContext):
    """A step in which given photos take the place of the generator's."""

    def __init__(self, model: PoseGAN, batch: Batch, output: Output) -> None:
        super().__init__(model, (batch,), step=0)
        self.output = output

    def generate(self, stream: int = 0) -> Output:
        return self.output


def train_discriminators(model: PoseGAN, batch: Batch, steps: int) -> None:
    """Train both discriminators against the generator, which stays as it is. The losses are those of real training."""
    with torch.no_grad():
        fakes = model.generator(batch.source_image, batch.source_pose, batch.target_pose).image
    rule = torch.optim.Adam(model.discriminators.parameters(), lr=1e-3, betas=(0.5, 0.999))
    for step in range(steps):
        start = step * BATCH % (len(batch) - BATCH + 1)
        some = slice(start, start + BATCH)
        losses = model.discriminator_losses(Shown(model, batch[some], Output(fakes[some])))
        rule.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        rule.step()


@torch.no_grad()
def loss_table(model: PoseGAN, pair: Batch, stranger: Tensor) -> dict[str, tuple[Tensor, dict[str, float]]]:
    """Return for several photos that the generator might have made: the photo, and every weighted term of its loss."""
    generated = model.generator(pair.source_image, pair.source_pose, pair.target_pose)
    target = pair.target_image
    photos = {
        "the target": target,
        "1 pixel aside": target.roll(1, -1),
        "blurred": gaussian_blur(target, [9, 9], [2.0, 2.0]),
        "generated": generated.image,
        "the source": pair.source_image,
        "someone else": stranger,
    }
    table = {}
    for name, photo in photos.items():
        terms = model.generator_losses(Shown(model, pair, Output(photo, generated.aux)))
        values = {key: term.item() for key, term in terms.items()}
        if name != "generated":
            del values["g_smoothness"]  # it judges the flow, not the photo
        table[name] = photo[0], values
    return table


def draw_conditions(model: PoseGAN, pair: Batch) -> Figure:
    """Return the figure of what goes in, what comes out, and what it should have been."""
    with torch.no_grad():
        made = model.generator(pair.source_image, pair.source_pose, pair.target_pose).image[0]
    heatmaps = render_heatmap(pair.target_pose, SIZE, model.config.sigma)[0]
    cells = {
        "source photo": to_pil(pair.source_image[0]),
        "source pose": to_pil(draw_pose(pair.source_pose[0], SIZE)),
        "target pose": to_pil(draw_pose(pair.target_pose[0], SIZE)),
        "as the network sees it": heatmaps.amax(0).numpy(),
        "generated": to_pil(made),
        "target photo": to_pil(pair.target_image[0]),
    }
    figure = Figure(figsize=(8.4, 3.2), dpi=88, layout="constrained")
    for axes, (name, picture) in zip(figure.subplots(1, 6), cells.items(), strict=True):
        axes.imshow(picture, cmap="magma")
        axes.set_title(name, fontsize=9)
        axes.set_axis_off()
    return figure


def draw_skips(pair: Batch, moved: dict[str, Tensor], here: dict[str, float], mean: dict[str, float]) -> Figure:
    """Return the figure of the parts and of what three kinds of skip deliver, with the differences to the target."""
    figure = Figure(figsize=(8.4, 3.6), dpi=88, layout="constrained")
    axes = figure.subplots(1, 6)
    titles = ["source", *moved, "target", "target's parts"]
    pictures = [pair.source_image[0], *moved.values(), *(2 * [pair.target_image[0]])]
    for cell, title, picture in zip(axes, titles, pictures, strict=True):
        cell.imshow(to_pil(picture))
        cell.set_title(title, fontsize=9)
        cell.set_axis_off()
        if title in moved:
            text = f"{here[title]:.2f} here\n{mean[title]:.2f} on average"
            cell.text(0.5, -0.02, text, ha="center", va="top", fontsize=9, transform=cell.transAxes)
    affines, masks = part_affines(pair.source_pose, pair.target_pose)[0], part_masks(pair.target_pose, SIZE)[0]
    for part in range(1, len(masks)):
        colour = f"C{part}"
        outline = axes[-1].contour(masks[part].numpy(), levels=[0.5], colors=colour, linewidths=1.2)
        for points in outline.allsegs[0]:
            origin = torch.from_numpy(points).float() @ affines[part, :, :2].T + affines[part, :, 2]
            axes[0].plot(*origin.T.numpy(), color=colour, lw=1.2)
    axes[0].set(xlim=(-0.5, SIZE[1] - 0.5), ylim=(SIZE[0] - 0.5, -0.5))
    return figure


def draw_losses(table: dict[str, tuple[Tensor, dict[str, float]]]) -> Figure:
    """Return the figure of six photos and their loss terms; each row is shaded from its smallest to its largest."""
    terms = [key for key in TERMS if any(key in values for _, values in table.values())]
    figure = Figure(figsize=(8.4, 4.2), dpi=88, layout="constrained")
    grid = figure.add_gridspec(2, 1 + len(table), height_ratios=(2.2, 0.26 * len(terms)), width_ratios=(1.05, *6 * [1]))
    for column, (name, (photo, _)) in enumerate(table.items(), start=1):
        cell = figure.add_subplot(grid[0, column])
        cell.imshow(to_pil(photo))
        cell.set_title(name, fontsize=9)
        cell.set_axis_off()
    values = torch.tensor([[v.get(key, float("nan")) for _, v in table.values()] for key in terms])
    low, high = values.nan_to_num(torch.inf).amin(1, keepdim=True), values.nan_to_num(-torch.inf).amax(1, keepdim=True)
    sheet = figure.add_subplot(grid[1, 1:])
    sheet.imshow(((values - low) / (high - low).clamp_min(1e-9)).numpy(), cmap="Oranges", aspect="auto", vmax=1.6)
    for row, key in enumerate(terms):
        for column, (_, v) in enumerate(table.values()):
            sheet.text(column, row, f"{v[key]:.2f}" if key in v else "–", ha="center", va="center", fontsize=9)
    sheet.set_yticks(range(len(terms)), [TERMS[key] for key in terms], fontsize=9)
    sheet.set_xticks([])
    sheet.tick_params(length=0)
    for side in sheet.spines.values():
        side.set_visible(False)
    return figure


def teach(features: Path | None, steps: int) -> dict[str, Figure]:
    """Return the figures by name, and print the numbers."""
    pairs, model = render_pairs(), bundled_model(features)
    batch, one = pairs.batch, slice(SHOWN, SHOWN + 1)
    pair = batch[one]
    moved = skips(pairs, model.config.background == "still")
    apart = {name: difference(photos, pairs) for name, photos in moved.items()}
    here = {name: value[SHOWN].item() for name, value in apart.items()}
    mean = {name: value.mean().item() for name, value in apart.items()}
    print(f"Difference of what a skip delivers to the target (this pair, mean of {len(batch)} pairs):")
    for name in moved:
        print(f"  {name:<20}{here[name]:>7.3f}{mean[name]:>7.3f}")

    # As in training, a photo that the discriminators judge is one of those that they learn from.
    train_discriminators(model, batch[slice(0, JUDGED)], steps)
    table = loss_table(model, pair, pairs.strangers[one])
    print(f"\nWeighted loss terms on the pair (discriminators: {steps} steps on {JUDGED} pairs):")
    for key, name in TERMS.items():
        numbers = [f"{values[key]:>8.2f}" if key in values else f"{'-':>8}" for _, values in table.values()]
        print(f"  {name:<22}{''.join(numbers)}")
    shown = {name: photos[SHOWN] for name, photos in moved.items()}
    return {
        "conditions": draw_conditions(model, pair),
        "skips": draw_skips(pair, shown, here, mean),
        "losses": draw_losses(table),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step from the command line."""
    parser = Parser(prog="step7_pictures.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    parser.add_argument("--features", type=Path, metavar="FILE", help="weights of the distilled VGG19")
    parser.add_argument("--steps", type=positive, default=STEPS, help="of the discriminators (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=Path("out", "learning_path"))
    try:
        given = parser.parse_args(argv)
        paths = {name: given.out / f"step7_{name}.png" for name in ("conditions", "skips", "losses")}
        for path in paths.values():
            require_own(path)
        for name, figure in teach(given.features, given.steps).items():
            save(figure, paths[name], colours=200)
        print(f"\nPictures: {', '.join(map(str, paths.values()))}")
        print("\nRead next\n  docs/concepts.md, docs/models/posegan.md, and the code that they name.")
    except UserError as error:
        print(f"step7_pictures: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
