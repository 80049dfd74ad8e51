"""The detector's training recipe: joints stay on their pixels, crops without people say so, a stopped run goes on."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from posegan.detect import Builtin
from posegan.detect.crop_network import CROP
from posegan.pose import Pose
from posegan.weights import read_weights

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "detector"
STILL = {"zoom": 0.0, "shift": 0.0, "turn": 0.0, "wild": 0.0, "nobody": 0.0, "hidden": 0.0, "blurred": 0.0}


@pytest.fixture(scope="module")
def recipe() -> Iterator[dict[str, Any]]:
    """The modules of the recipe, which import each other by their file names."""
    sys.path.insert(0, str(RECIPE))
    try:
        import augment
        import pictures
        import train

        yield {"augment": augment, "pictures": pictures, "train": train}
    finally:
        sys.path.remove(str(RECIPE))
        for name in ("augment", "pictures", "train"):
            sys.modules.pop(name, None)


def dotted(recipe: dict[str, Any], count: int = 40) -> Any:
    """Return examples of grey pictures in which the right knee is a white dot."""
    photos = torch.full((count, 3, 160, 112), 90, dtype=torch.uint8)
    xy = torch.zeros(count, 18, 2)
    draw = torch.Generator().manual_seed(1)
    xy[:, :, 0] = torch.randint(30, 80, (count, 18), generator=draw).float()
    xy[:, :, 1] = torch.randint(20, 140, (count, 18), generator=draw).float()
    for i, (x, y) in enumerate(xy[:, 9].long().tolist()):
        photos[i, :, y - 2 : y + 3, x - 2 : x + 3] = 255
    return recipe["pictures"].Examples(photos, Pose(xy, torch.ones(count, 18) > 0))


def test_joints_stay_on_their_pixels(recipe: dict[str, Any]) -> None:
    settings = recipe["augment"].AugmentSettings(**{**STILL, "zoom": 0.3, "shift": 0.1, "turn": 12.0})
    examples = dotted(recipe)
    generator = torch.Generator().manual_seed(3)
    rows, black = torch.arange(len(examples)), torch.zeros(1, 3, 160, 112, dtype=torch.uint8)
    crops = recipe["augment"].cut(examples, rows, black, settings, generator, True)
    assert crops.image.shape == (len(examples), 3, *CROP)
    sides, checked = set(), 0
    for image, xy, inside in zip(crops.image, crops.xy, crops.inside, strict=True):
        grey = F.avg_pool2d(image.mean(0)[None], 3, stride=1, padding=1, count_include_pad=False)[0]
        brightest = int(grey.argmax())
        place = torch.tensor([brightest % CROP[1], brightest // CROP[1]])
        joint = 9 if (xy[9] - place).norm() < (xy[12] - place).norm() else 12
        if not inside[[9, 12]].all() or float(grey.max() - grey.median()) < 0.3:
            continue  # the dot may be outside, or hardly brighter than the rest
        assert float((xy[joint] - place).norm()) < 4
        sides.add(joint)
        checked += 1
    assert sides == {9, 12}, "some crops are mirrored, where the right knee is the left one"
    assert checked > 20
    assert torch.equal(crops.seen, crops.inside)


def test_nobody_is_in_jumbled_crops(recipe: dict[str, Any]) -> None:
    settings = recipe["augment"].AugmentSettings(**{**STILL, "nobody": 0.5, "hidden": 0.5})
    examples = dotted(recipe)
    crops = recipe["augment"].cut(
        examples, torch.arange(40), examples.photos[:1], settings, torch.Generator().manual_seed(0), True
    )
    empty = ~crops.inside.any(1)
    assert 8 < int(empty.sum()) < 32
    assert not crops.seen[empty].any()
    hidden = (crops.inside & ~crops.seen).any(1)
    assert int(hidden.sum()) > 2


def test_a_stopped_run_ends_like_one_that_was_not(recipe: dict[str, Any], tmp_path: Path) -> None:
    settings = recipe["train"].Settings(
        out=tmp_path / "one", synthetic=tmp_path, pictures=8, held_out=4, places=4, steps=4, batch=4, validate_every=2
    )
    for part in (settings, dataclasses.replace(settings, out=tmp_path / "two")):
        part.out.mkdir()
    recipe["train"].main(settings)
    two = dataclasses.replace(settings, out=tmp_path / "two")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe["train"], "validate", _stop_after(recipe["train"].validate, 1))
        with pytest.raises(KeyboardInterrupt):
            recipe["train"].main(two)
    recipe["train"].main(two)
    states = [torch.load(folder / "state.pt", weights_only=True) for folder in (settings.out, two.out)]
    assert states[0]["step"] == states[1]["step"] == 4
    assert all(torch.equal(value, states[1]["network"][name]) for name, value in states[0]["network"].items())
    info, _ = read_weights(two.out / "weights.safetensors")
    assert (info.model, info.data) == ("detector", "synthetic")
    assert Builtin(two.out / "weights.safetensors").name == "builtin"


def _stop_after(function: Any, calls: int) -> Any:
    seen = iter(range(calls))

    def wrapped(*arguments: Any) -> Any:
        if next(seen, None) is None:
            raise KeyboardInterrupt
        return function(*arguments)

    return wrapped
