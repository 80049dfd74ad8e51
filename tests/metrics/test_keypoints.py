import pytest
import torch

from posegan.errors import UserError
from posegan.metrics import keypoint_distance, pckh
from posegan.pose import Pose


def slow_pckh(predicted: Pose, target: Pose) -> tuple[int, int]:
    """The rule of PATN's script, joint by joint, for one pose."""
    head = [j for j in (0, 1, 14, 15, 16, 17) if target.visible[j]]
    if len(head) < 2:
        return 0, 0
    xs, ys = ([float(target.xy[j, axis]) for j in head] for axis in (0, 1))
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    hits = 0
    for j in range(18):
        if target.visible[j] and predicted.visible[j]:
            dx, dy = (abs(float(predicted.xy[j, axis] - target.xy[j, axis])) for axis in (0, 1))
            hits += dx < 0.5 * width and dy < 0.5 * height
    return hits, int(target.visible.sum())


def random_poses(count: int, seed: int) -> tuple[Pose, Pose]:
    g = torch.Generator().manual_seed(seed)
    xy = torch.randint(0, 64, (count, 18, 2), generator=g).float()
    moved = xy + torch.randint(-30, 31, xy.shape, generator=g)
    seen = torch.rand(2, count, 18, generator=g) > torch.linspace(0, 1, count)[:, None]
    return Pose(moved, seen[0]), Pose(xy, seen[1])


def test_equals_the_slow_rule() -> None:
    predicted, target = random_poses(60, seed=0)
    correct, counted = pckh(predicted, target)
    expected = [slow_pckh(predicted[i], target[i]) for i in range(60)]
    assert list(zip(correct.tolist(), counted.tolist(), strict=True)) == expected
    assert 0 < correct.sum() < counted.sum()
    assert (counted == 0).any()


def head_of_ten_by_ten() -> Pose:
    xy, visible = torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool)
    xy[0, 1], xy[0, 4] = torch.tensor([10.0, 10.0]), torch.tensor([30.0, 30.0])
    visible[0, [0, 1, 4]] = True
    return Pose(xy, visible)


@pytest.mark.parametrize(
    ("shift", "paper", "euclidean"),
    [((4.9, 4.9), 1, 1), ((5.0, 0.0), 0, 1), ((7.0, 0.0), 0, 1), ((7.1, 0.0), 0, 0), ((4.9, 5.1), 0, 0)],
)
def test_rules_differ_in_shape_and_are_strict(shift: tuple[float, float], paper: int, euclidean: int) -> None:
    target = head_of_ten_by_ten()
    xy = target.xy.clone()
    xy[0, 4] += torch.tensor(shift)
    predicted = Pose(xy, target.visible)
    assert [int(pckh(predicted, target, rule)[0]) - 2 for rule in ("paper", "euclidean")] == [paper, euclidean]


def test_undetected_joints_count_as_wrong_and_headless_targets_not_at_all() -> None:
    target = head_of_ten_by_ten()
    nothing = Pose(target.xy, torch.zeros_like(target.visible))
    assert [int(n) for n in pckh(nothing, target)] == [0, 3]
    assert [int(n) for n in pckh(target, nothing)] == [0, 0]


def test_keypoint_distance_counts_joints_seen_in_both() -> None:
    predicted, target = random_poses(60, seed=1)
    distance, counted = keypoint_distance(predicted, target)
    for i in range(60):
        both = [j for j in range(18) if predicted.visible[i, j] and target.visible[i, j]]
        gaps = [float((predicted.xy[i, j] - target.xy[i, j]).norm()) for j in both]
        assert (float(distance[i]), int(counted[i])) == (pytest.approx(sum(gaps), rel=1e-5), len(both))
    assert (counted == 0).any()


def test_mistakes_are_named() -> None:
    target = head_of_ten_by_ten()
    with pytest.raises(UserError, match="Unknown PCKh rule 'paperr'; did you mean 'paper'"):
        pckh(target, target, "paperr")
    for metric in (pckh, keypoint_distance):
        with pytest.raises(ValueError, match="batch shape"):
            metric(target[0], target[0])
