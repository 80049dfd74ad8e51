"""Which pixels are the person: measured on synthetic people, whose pixels are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from posegan.data import SyntheticPeople
from posegan.images import to_signed
from posegan.inference.cutout import cut_out, guided
from posegan.inference.matte import matte, unmixed
from posegan.pose import Pose

SIZE = (192, 128)


def people(count: int) -> list[tuple[Tensor, Pose, Tensor]]:
    world = SyntheticPeople(count, SIZE, seed=77)
    samples = [world.render(*world.seeds([8 * i])) for i in range(count)]
    return [(to_signed(s.image), s.pose, s.mask.float()) for s in samples if bool(s.pose.valid[0])]


def test_it_is_far_nearer_to_the_truth_than_distance_alone() -> None:
    errors: dict[str, list[float]] = {"distance": [], "cut out": [], "unmixed": []}
    for photo, pose, truth in people(12):
        share = cut_out(photo, pose)
        assert share.shape == (1, *SIZE) and float(share.min()) >= 0 and float(share.max()) <= 1
        for name, found in (("distance", matte(pose, SIZE)), ("cut out", share), ("unmixed", unmixed(photo, share)[0])):
            errors[name].append(float((found - truth).abs().sum() / truth.sum()))
    mean = {name: sum(values) / len(values) for name, values in errors.items()}
    assert mean["cut out"] < 0.25 and mean["unmixed"] < 0.25
    assert mean["distance"] > 2 * mean["cut out"]


def test_nobody_and_plain_photos_are_no_trouble() -> None:
    plain = torch.zeros(1, 3, *SIZE)
    nobody = Pose(torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool))
    assert not cut_out(plain, nobody).round().any()
    _, pose, _ = people(2)[0]
    assert bool(cut_out(plain, pose).isfinite().all())


def test_a_shirt_like_the_wall_keeps_its_torso() -> None:
    _, pose, truth = people(2)[0]
    torso = torch.stack([pose.xy[0, [2, 5]].mean(0), pose.xy[0, [8, 11]].mean(0)]).mean(0).round().long().tolist()
    share = cut_out(torch.ones(1, 3, *SIZE), pose)
    assert float(share[0, torso[1], torso[0]]) == 1
    assert float(truth[0, torso[1], torso[0]]) == 1


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_a_guided_filter_snaps_to_the_edge_of_its_guide(shift: float) -> None:
    """Against its definition: a linear function of the guide is left as it is, noise on it is not."""
    guide = torch.zeros(1, 3, 40, 40)
    guide[..., 20:] = 0.6
    exact = 0.5 * guide[:, :1] + shift
    torch.testing.assert_close(guided(guide, exact, 3), exact, atol=0.01, rtol=0)
    noise = 0.2 * torch.randn(1, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    found = guided(guide, exact + noise, 3)
    assert float((found - exact).square().mean()) < 0.1 * float(noise.square().mean())
