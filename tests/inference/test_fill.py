"""What stands behind a person: grounds go on, things beside are not copied, nothing outside the gap changes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from posegan.inference import fill
from posegan.inference.fill import filled

SIZE = (160, 240)


def gap(left: int = 100, right: int = 150) -> Tensor:
    closed = torch.zeros(1, *SIZE, dtype=torch.bool)
    closed[:, 20:140, left:right] = True
    return closed


def torn(photo: Tensor, closed: Tensor) -> Tensor:
    """Return the photo with something else in the gap."""
    return torch.where(closed[:, None], 0.9, photo)


def test_a_kerb_goes_on_behind_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of their own colour, with an edge: what stands beside is what was there."""
    rows = torch.linspace(-0.6, 0.2, SIZE[0])
    rows[80:] -= 0.2
    street = rows[:, None].expand(1, 3, *SIZE)

    def error() -> float:
        return float((filled(torn(street, gap()), gap()) - street)[:, :, 20:140, 105:145].abs().mean())

    taken = error()
    monkeypatch.setattr(fill, "SIDES", 0)
    assert taken < 0.6 * error()


def test_a_margin_beside_the_photo_is_not_copied() -> None:
    """A grained wall, darker below, between bars: the edge of one would be a bright stripe in the gap."""
    grain = 0.03 * torch.randn(1, 1, *SIZE, generator=torch.Generator().manual_seed(0))
    light = torch.linspace(0.7, 0.5, SIZE[0])[:, None]
    wall = (light + grain).expand(1, 3, *SIZE).clone()
    wall[..., :40] = wall[..., 200:] = 0.9
    apart = (filled(torn(wall, gap()), gap()) - light)[..., 20:140, 100:150]
    assert float(apart.mean(-2).abs().max()) < 0.02
    assert float(apart.std()) > 0.02


@pytest.mark.parametrize("scale", [1, 5], ids=["small", "larger than the place is sought in"])
def test_the_ground_keeps_its_texture_and_the_photo_all_else(scale: int) -> None:
    noise = 0.2 * torch.randn(1, 1, *SIZE, generator=torch.Generator().manual_seed(0)).expand(1, 3, *SIZE)
    grass = torch.nn.functional.interpolate(noise, scale_factor=float(scale), mode="nearest").clamp(-1, 1)
    closed = torch.nn.functional.interpolate(gap()[:, None].float(), scale_factor=float(scale))[:, 0] > 0
    found = filled(torn(grass, closed), closed)
    middle = found[:, :, 40 * scale : 120 * scale, 110 * scale : 140 * scale]
    assert float(middle.std()) > 0.6 * float(grass.std())
    assert torch.equal(found[:, :, ~closed[0]], grass[:, :, ~closed[0]])


@pytest.mark.parametrize("left", [0, 1000, 1601], ids=["at the left edge", "in the middle", "at the right edge"])
def test_a_large_photo_keeps_what_its_small_picture_does_not_show(left: int) -> None:
    """Stripes of one pixel, which are grey in any smaller picture, on a ramp across."""
    height, width = 1203, 2001
    stripes = 0.2 * (torch.arange(height) % 2 * 2 - 1)[:, None] + torch.linspace(-0.5, 0.5, width)
    photo = stripes.expand(1, 3, -1, -1)
    closed = torch.zeros(1, height, width, dtype=torch.bool)
    closed[:, 100:, left : left + 400] = True
    found = filled(torn(photo, closed), closed)
    assert torch.equal(found[:, :, ~closed[0]], photo[:, :, ~closed[0]])
    inside = (found - photo)[:, :, 130:-30, left + 30 : left + 370]
    assert float(inside.abs().mean()) < 0.08  # 0.2 without the stripes


def test_a_pillar_beside_is_not_copied() -> None:
    wall = torch.full((1, 3, *SIZE), -0.2)
    wall[..., 30:45] = 0.8
    wall[..., 190:205] = 0.8
    found = filled(torn(wall, gap()), gap())
    assert float((found[:, :, 20:140, 100:150] + 0.2).abs().max()) < 0.1


def test_where_nothing_beside_is_free_it_is_smooth() -> None:
    wide = gap(2, 238)
    ramp = torch.linspace(-0.5, 0.5, SIZE[1]).expand(1, 3, *SIZE)
    found = filled(torn(ramp, wide), wide)
    torch.testing.assert_close(found, ramp, atol=0.15, rtol=0)
    everything = torch.ones(1, *SIZE, dtype=torch.bool)
    assert bool(filled(ramp, everything).isfinite().all())
    nothing = torch.zeros(1, *SIZE, dtype=torch.bool)
    assert torch.equal(filled(ramp, nothing), ramp)
