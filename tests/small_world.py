"""A small world for the tests of predictor, evaluation, preparation and commands: tiny weights, a few drawn people."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegan.config import to_tree
from posegan.data import write_pairs
from posegan.detect import People
from posegan.images import write_png
from posegan.inference.poses import bundled_poses
from posegan.models import create_model
from posegan.pose import Pose, draw_pose, save_annotations
from posegan.weights import WeightsInfo, save_weights

SIZE = (128, 64)
POSES = ("front", "back", "walking")


def standing(name: str = "front") -> Pose:
    """Return a bundled pose, in whole pixels of a 128x64 frame, as annotation files hold them."""
    pose = bundled_poses()[name].pose
    return Pose(pose.xy.round(), pose.visible)


def photo(seed: int, pose: Pose, size: tuple[int, int] = SIZE) -> Tensor:
    """Return a (3, H, W) uint8 picture: a drawn skeleton on a colour of its own."""
    colour = torch.randint(0, 256, (3, 1, 1), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return draw_pose(pose, size, colour.expand(3, *size).clone())


class Blind:
    """A detector that finds nobody."""

    name = "blind"

    def __call__(self, photo: Tensor) -> People:
        nobody = Pose(torch.zeros(0, 18, 2), torch.zeros(0, 18, dtype=torch.bool))
        return People(nobody, torch.zeros(0, 18), torch.zeros(0), torch.zeros(0, 4))


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in detector finds nobody."""
    monkeypatch.setattr("posegan.inference.finder.builtin", Blind)
    monkeypatch.setattr("posegan.inference.sequence_files.builtin", Blind)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained, very small flagship for 128x64."""
    torch.manual_seed(0)
    model = create_model("posegan", width=8, depth=2, blocks=0, attention=False)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    info = WeightsInfo("posegan", to_tree(model.config), data="nothing", step=3, licence="Tiny: for research only.")
    save_weights(path, model.generator.state_dict(), info)
    return path


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """A Market-1501 folder of three people with three photos each, in both parts, and a list of six test pairs."""
    return write_market(tmp_path / "market")


def write_market(root: Path, more: int = 0) -> Path:
    """Write the folder of the fixture `market`, with so many more training people."""
    for part, numbers in (("train", [1, 2, 3, *range(21, 21 + more)]), ("test", [11, 12, 13])):
        annotations = {}
        for person in numbers:
            for i, name in enumerate(POSES):
                file = f"{person:04d}_c1s1_00000{i}_00.png"
                write_png(root / f"bounding_box_{part}" / file, photo(person, standing(name)))
                annotations[file] = standing(name)
        save_annotations(root / f"market-annotation-{part}.csv", annotations)
    names = list(annotations)
    pairs = [(names[3 * p + i], names[3 * p + (i + 1) % 3]) for p in range(3) for i in range(2)]
    write_pairs(root / "market-pairs-test.csv", pairs)
    return root


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder `<person>/<image>` of two people with photos of two sizes, and annotations.csv."""
    root, annotations = tmp_path / "people", {}
    for person in ("ann", "bob"):
        for size, name in (((160, 120), "front"), ((256, 128), "walking")):
            pose = standing(name).resize(SIZE, size)
            write_png(root / person / f"{name}.png", photo(len(annotations), pose, size))
            annotations[f"{person}/{name}.png"] = pose
    save_annotations(root / "annotations.csv", annotations)
    return root
