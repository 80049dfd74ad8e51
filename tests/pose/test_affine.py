"""Part affines against a slow reference (scikit-image, one person at a time), and the rules around them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posegan.pose import NO_POINT, Pose, full_affine, load_annotations, part_affines
from posegan.pose.fit import fit_affine

from . import reference_affine as reference
from .people import FRAME, poses, random_people, without

NOWHERE = torch.tensor([[1.0, 0.0, NO_POINT], [0.0, 1.0, NO_POINT]])
IDENTITY = torch.eye(2, 3)
R_UPPER_ARM, L_UPPER_ARM, R_FOREARM, L_FOREARM = 6, 7, 8, 9


def to_reference(pose: Pose) -> np.ndarray:
    return torch.where(pose.visible[..., None], pose.xy, torch.nan).double().numpy()


def displacement(affines: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far two affines (..., 2, 3) carry a frame's corner apart at most, and how far from 0 at most."""
    corners = np.array([[x, y, 1] for x in (0, FRAME[1]) for y in (0, FRAME[0])], dtype=float)
    first, second = affines @ corners.T, others @ corners.T
    return np.abs(first - second).max((-2, -1)), np.abs(second).max((-2, -1))


def assert_equals_reference(source: Pose, target: Pose) -> None:
    """Compare all ten affines by where they carry the frame's corners.

    The result is float32, so a corner carried to a source coordinate c is off by some 1e-7 c; 5e-7 c is allowed, which
    is 6e-5 pixels inside the frame. Both must agree on which parts are nowhere.
    """
    expected = np.stack(
        [reference.part_affines(a, b) for a, b in zip(to_reference(source), to_reference(target), strict=True)]
    )
    actual = part_affines(source, target).double().numpy()
    nowhere = (expected == NOWHERE.numpy()).all((-2, -1))
    np.testing.assert_array_equal((actual == NOWHERE.numpy()).all((-2, -1)), nowhere)
    error, reach = displacement(actual, expected)
    assert (error <= 5e-7 * np.maximum(reach, FRAME[0])).all(), (error / reach).max()
    assert (~nowhere).sum(0).min() > len(actual) / 4  # the comparison is not empty for any part


def test_random_people_equal_the_reference():
    assert_equals_reference(random_people(100, 0), random_people(100, 1))


def test_people_on_a_tiny_grid_equal_the_reference():
    # Coincident, collinear and self-crossing torsos, limbs without length.
    people = random_people(240, 2, frame=(7, 4), whole=True)
    assert_equals_reference(people[:120], people[120:])


def test_narrow_targets_equal_the_reference():
    assert_equals_reference(random_people(60, 4), random_people(60, 5, frame=(128, 4)))


@pytest.mark.data
def test_real_people_equal_the_reference(market_root):
    annotations = load_annotations(market_root / "market-annotation-train.csv")
    people = Pose.stack(list(annotations.values()))
    people = people[people.valid]
    order = torch.randperm(len(people), generator=torch.Generator().manual_seed(0))[:600]
    assert_equals_reference(people[order[:300]], people[order[300:]])


def test_the_whole_body_affine_equals_the_reference():
    source, target = random_people(60, 6), random_people(60, 7)
    actual = full_affine(source, target).double().numpy()
    names = ("Rhip", "Lhip", "Lsho", "Rsho", "Rkne", "Lkne")
    for affine, a, b in zip(actual, to_reference(source), to_reference(target), strict=True):
        used = [n for n in names if reference.there(a, n) and reference.there(b, n)]
        expected = reference.estimate(*(np.array([reference.joint(p, n) for n in used]) for p in (b, a)))
        error, reach = displacement(affine, expected)
        assert error <= 5e-7 * max(reach, FRAME[0])


def test_float32_which_mps_needs_stays_close_to_float64():
    source, target = random_people(500, 8), random_people(500, 9)
    points = [p.xy[:, [8, 11, 5, 2]] for p in (target, source)]
    used = torch.ones(500, 4, dtype=torch.bool)
    linear, shift, exists = fit_affine(*points, used)
    linear64, shift64, exists64 = fit_affine(points[0].double(), points[1].double(), used)
    assert linear.dtype == torch.float32
    assert torch.equal(exists, exists64)
    error, reach = displacement(
        torch.cat([linear, shift[..., None]], -1).numpy(), torch.cat([linear64, shift64[..., None]], -1).numpy()
    )
    assert (error <= 1e-4 * np.maximum(reach, FRAME[0])).all()  # worst of 500 odd torsos; mostly far below 1e-5


@given(
    st.floats(-math.pi, math.pi), st.floats(0.3, 3), st.floats(0.3, 3), st.floats(-0.5, 0.5), st.floats(-50, 50)
)  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_a_known_affine_is_recovered(turn, sx, sy, shear, shift):
    linear = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    linear = linear @ torch.tensor([[sx, shear], [0.0, sy]])
    known = torch.cat([linear, torch.tensor([[shift], [-shift / 2]])], 1)
    target = random_people(4, 10, seen=1.0)
    source = Pose(target.xy @ linear.T + known[:, 2], target.visible)
    affines = part_affines(source, target)
    for fitted in (affines[:, 0], affines[:, 1], full_affine(source, target)):
        assert displacement(fitted.numpy(), known.numpy())[0].max() < 0.01


def test_the_same_pose_gives_identities():
    people = random_people(50, 11, seen=1.0)
    assert torch.allclose(part_affines(people, people), IDENTITY, atol=1e-5)
    assert torch.allclose(full_affine(people, people), IDENTITY, atol=1e-5)


@pytest.mark.parametrize(("right", "left"), [((3,), (R_UPPER_ARM, L_UPPER_ARM)), ((4,), (R_FOREARM, L_FOREARM))])
def test_a_limb_missing_in_the_source_is_taken_from_its_other_side(right, left):
    source, target = random_people(5, 12, seen=1.0), random_people(5, 13, seen=1.0)
    own, other = left
    mirrored = source.xy.clone()
    mirrored[:, [2, 3, 4]] = source.xy[:, [5, 6, 7]]  # a source whose right arm lies on its left arm
    affines = part_affines(without(source, *right), target)
    expected = part_affines(Pose(mirrored, source.visible), target)
    scale = part_affines(source, target)[:, other]
    assert torch.equal(affines[:, other], scale)
    # Joint to joint along the limb is the same; across it the torso scale differs, as the copied shoulder changed it.
    joints = torch.cat([target.xy[:, {6: [2, 3], 8: [3, 4]}[own]], torch.ones(5, 2, 1)], -1)
    carried, wanted = (joints @ a[:, own].transpose(-1, -2) for a in (affines, expected))
    assert torch.allclose(carried, wanted, atol=1e-3)
    both_gone = part_affines(without(source, *right, {3: 6, 4: 7}[right[0]]), target)
    assert torch.equal(both_gone[:, own], NOWHERE.expand(5, 2, 3))


def test_a_limb_missing_in_the_target_is_nowhere_without_substitution():
    source, target = random_people(3, 14, seen=1.0), without(random_people(3, 15, seen=1.0), 4)
    affines = part_affines(source, target)
    assert torch.equal(affines[:, R_FOREARM], NOWHERE.expand(3, 2, 3))
    assert not torch.equal(affines[:, L_FOREARM], NOWHERE.expand(3, 2, 3))


def test_a_head_without_a_common_joint_is_nowhere():
    source, target = random_people(1, 16, seen=1.0)[0], random_people(1, 17, seen=1.0)[0]
    faces = without(source, 0, 14, 15), without(target, 16, 17)
    assert torch.equal(part_affines(*faces)[1], NOWHERE)


def flat(pose: Pose) -> Pose:
    """Return the pose seen exactly from the side: all joints in one column."""
    return Pose(torch.stack([torch.full_like(pose.xy[..., 0], 20.0), pose.xy[..., 1]], -1), pose.visible)


def test_a_torso_on_one_line_is_nowhere_on_either_side():
    person = random_people(1, 18, seen=1.0)[0]
    for source, target in ((person, flat(person)), (flat(person), person), (flat(person), flat(person))):
        assert torch.equal(part_affines(source, target)[0], NOWHERE)
    oblique = Pose(person.xy[:, :1] * torch.tensor([1.0, 3.0]) + 7, person.visible)
    assert torch.equal(part_affines(person, oblique)[0], NOWHERE)
    assert torch.equal(part_affines(oblique, person)[0], NOWHERE)


def test_a_limb_without_length_is_nowhere_on_either_side():
    person = random_people(1, 19, seen=1.0)[0]
    xy = person.xy.clone()
    xy[4] = xy[3]
    stump = Pose(xy, person.visible)
    assert torch.equal(part_affines(person, stump)[R_FOREARM], NOWHERE)
    assert torch.equal(part_affines(stump, person)[R_FOREARM], NOWHERE)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e5])
def test_no_pose_whatsoever_gives_a_nan_or_infinity(scale):
    for grid in (1, 2, 4, 100):  # few distinct pixels: everything that can coincide does
        generator = torch.Generator().manual_seed(grid)
        xy = torch.randint(grid, (2, 500, 18, 2), generator=generator) * torch.tensor([scale, 1.0])[:, None, None, None]
        visible = torch.rand(2, 500, 18, generator=generator) < torch.rand(2, 500, 1, generator=generator) + 0.3
        a, b = Pose(xy[0], visible[0]), Pose(xy[1], visible[1])
        for source, target in ((a, b), (b, a), (a, a)):
            assert part_affines(source, target).isfinite().all()
            assert full_affine(source, target).isfinite().all()


@given(poses(largest=5), poses(largest=5))
@settings(max_examples=25, deadline=None)
def test_no_degenerate_pose_gives_a_nan_or_infinity(source, target):
    assert part_affines(source, target).isfinite().all()
    assert full_affine(source, target).isfinite().all()


def test_an_incomplete_torso_is_translated_between_the_means_of_what_is_common():
    source, target = random_people(1, 20, seen=1.0)[0], random_people(1, 21, seen=1.0)[0]
    shoulders = part_affines(without(source, 8), without(target, 11))[0]
    assert torch.equal(shoulders[:, :2], torch.eye(2))
    assert torch.allclose(shoulders[:, 2], (source.xy[[2, 5]] - target.xy[[2, 5]]).mean(0), atol=1e-4)
    assert torch.equal(part_affines(without(source, 8, 2), without(target, 11, 5))[0], IDENTITY)
    three = part_affines(without(source, 8), target)[0]
    for joint in (2, 5, 11):  # three joints are met exactly
        carried = three @ torch.cat([target.xy[joint], torch.ones(1)])
        assert torch.allclose(carried, source.xy[joint], atol=1e-2)


def test_batch_shapes_broadcast_and_single_people_equal_the_batch():
    source, target = random_people(6, 22), random_people(6, 23)
    batch = part_affines(source, target)
    assert batch.dtype == torch.float32
    assert torch.equal(part_affines(source[2], target[2]), batch[2])
    grid = [Pose(p.xy.reshape(2, 3, 18, 2), p.visible.reshape(2, 3, 18)) for p in (source, target)]
    assert torch.equal(part_affines(*grid), batch.reshape(2, 3, 10, 2, 3))
    assert torch.equal(full_affine(*grid), full_affine(source, target).reshape(2, 3, 2, 3))
    one_source = part_affines(source[0], target)
    assert torch.equal(one_source, part_affines(source[[0] * 6], target))


def test_no_gradient_flows_and_autocast_changes_nothing():
    source, target = random_people(3, 24), random_people(3, 25)
    expected = part_affines(source, target)
    wanting = Pose(source.xy.clone().requires_grad_(), source.visible)
    assert not part_affines(wanting, target).requires_grad
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(part_affines(source, target), expected)
