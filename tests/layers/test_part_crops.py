"""The eight part crops: where the quads lie, the projective map against a linear solve, and what is grey."""

import pytest
import torch
from torch import Tensor

from posegan.layers.part_crops import CROPS, crop_parts, part_quads, perspective_grid
from posegan.pose import Pose

from ..pairs import photos, standing

SQUARE = (128, 128)


def person(missing: tuple[int, ...] = (), **joints: tuple[float, float]) -> Pose:
    """One person in a 128x128 frame; joints: `j5=(x, y)` moves joint 5."""
    pose = standing(missing=missing).resize((128, 64), SQUARE)
    xy = pose.xy.clone()
    for name, place in joints.items():
        xy[0, int(name[1:])] = torch.tensor(place)
    return Pose(xy, pose.visible)


def ramp(height: int = 128, width: int = 128) -> Tensor:
    """A photo whose red is a pixel's x, green its y and blue 1."""
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)])[None]


def of_part(crops: Tensor, name: str) -> Tensor:
    i = CROPS.index(name)
    return crops[:, 3 * i : 3 * i + 3]


def solved_grid(quad: Tensor, side: int) -> Tensor:
    """The map of the square's corners to the quad's by eight linear equations, and so the places of its pixels."""
    rows, right = [], []
    for (u, v), (x, y) in zip(((0, 0), (0, 1), (1, 1), (1, 0)), quad.tolist(), strict=True):
        u, v = u * side, v * side
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        right += [x, y]
    solved = torch.linalg.solve(torch.tensor(rows, dtype=torch.float64), torch.tensor(right, dtype=torch.float64))
    matrix = torch.cat([solved, solved.new_ones(1)]).view(3, 3)
    v, u = torch.meshgrid(torch.arange(side).double(), torch.arange(side).double(), indexing="ij")
    places = torch.stack([u, v, torch.ones_like(u)], -1) @ matrix.T
    return (places[..., :2] / places[..., 2:]).float()


def test_an_upright_rectangle_is_copied() -> None:
    """A torso seen from behind whose quad is 32x32 on whole pixels, cut to a crop of 32x32."""
    pose = person(j5=(40, 30), j11=(40, 62), j8=(72, 62), j2=(72, 30))
    photo = photos(1, SQUARE, 0)
    torch.testing.assert_close(of_part(crop_parts(photo, pose, 32), "torso"), photo[:, :, 30:62, 40:72])


def test_the_torso_of_a_general_quad_is_its_perspective_view() -> None:
    corners = {"j5": (90.0, 30.0), "j11": (80.0, 85.0), "j8": (52.0, 80.0), "j2": (40.0, 25.0)}
    crop = of_part(crop_parts(ramp(), person(**corners), 64), "torso")
    expected = solved_grid(torch.tensor([corners[k] for k in ("j5", "j11", "j8", "j2")]), 64)
    torch.testing.assert_close(crop[0, :2].permute(1, 2, 0), expected, atol=1e-3, rtol=0)
    assert torch.allclose(crop[0, :2, 0, 0], torch.tensor([90.0, 30.0]))  # the left shoulder is top left
    bilinear = expected[32, 32] - torch.tensor([65.5, 55.0])  # the mean of the corners
    assert bilinear.abs().max() > 1  # so the map is not the bilinear one


def test_random_quads_equal_the_linear_solve() -> None:
    torch.manual_seed(0)
    square = torch.tensor([[0.0, 0.0], [0.0, 50.0], [50.0, 50.0], [50.0, 0.0]])
    quads = square + torch.randn(20, 4, 2) * 8
    places, regular = perspective_grid(quads, 16)
    assert regular.all()
    for quad, found in zip(quads, places, strict=True):
        torch.testing.assert_close(found, solved_grid(quad, 16), atol=1e-2, rtol=1e-4)


def test_channels_are_rgb_of_each_part_in_turn() -> None:
    crops = crop_parts(ramp(), person(), 16)
    assert crops.shape == (1, 24, 16, 16)
    quads, exists = part_quads(person(), SQUARE)
    assert exists.all()
    for i, name in enumerate(CROPS):
        crop = of_part(crops, name)[0]
        torch.testing.assert_close(crop[:2, 0, 0], quads[0, i, 0].clamp(0, 127), atol=1e-3, rtol=0)
        torch.testing.assert_close(crop[2], torch.ones(16, 16))


def test_limbs_run_from_left_to_right_half_as_wide_as_long() -> None:
    quads, _ = part_quads(person(j8=(50, 60), j9=(50, 100)), SQUARE)
    thigh = quads[0, CROPS.index("right_thigh")]
    assert thigh.tolist() == [[40, 60], [60, 60], [60, 100], [40, 100]]  # n = (-40, 0)
    joints = {"left_upper_arm": (5, 6), "left_forearm": (6, 7), "right_upper_arm": (2, 3), "right_forearm": (3, 4)}
    joints |= {"left_thigh": (11, 12), "right_thigh": (8, 9)}
    quads, xy = part_quads(person(), SQUARE)[0][0], person().xy[0]
    for name, (start, end) in joints.items():
        quad = quads[CROPS.index(name)]
        torch.testing.assert_close((quad[0] + quad[1]) / 2, xy[start])
        torch.testing.assert_close((quad[2] + quad[3]) / 2, xy[end])
        assert (quad[0] - quad[1]).norm() == pytest.approx((xy[end] - xy[start]).norm().item() / 2, rel=1e-5)


def test_the_head_is_a_square_through_the_nose() -> None:
    quads, _ = part_quads(person(j2=(40, 50), j5=(80, 50), j0=(60, 30)), SQUARE)
    assert quads[0, 1].tolist() == [[80, 10], [80, 50], [40, 50], [40, 10]]  # mirrored, like a torso seen from before


def test_without_a_nose_the_head_stands_on_the_shoulders() -> None:
    for left, right in (((80.0, 50.0), (40.0, 50.0)), ((40.0, 50.0), (80.0, 50.0))):
        quads, exists = part_quads(person((0,), j5=left, j2=right), SQUARE)
        assert exists[0, 1]
        assert quads[0, 1].tolist() == [[left[0], 10], list(left), list(right), [right[0], 10]]


def test_a_thigh_without_a_knee_ends_at_the_bottom_of_the_frame() -> None:
    quads, exists = part_quads(person((12,), j11=(70, 67)), SQUARE)
    assert exists[0, 6]
    assert quads[0, 6].tolist() == [[55, 67], [85, 67], [85, 127], [55, 127]]


@pytest.mark.parametrize(
    ("missing", "grey"),
    [
        ((6,), {"left_upper_arm", "left_forearm"}),
        ((4,), {"right_forearm"}),
        ((8,), {"torso", "right_thigh"}),
        ((5,), {"torso", "head", "left_upper_arm"}),
        ((9, 12, 0, 1), set()),
        (tuple(range(18)), set(CROPS)),
    ],
)
def test_parts_that_cannot_be_placed_are_mid_grey(missing: tuple[int, ...], grey: set[str]) -> None:
    crops = crop_parts(torch.ones(1, 3, *SQUARE), person(missing), 8)
    for name in CROPS:
        crop = of_part(crops, name)
        torch.testing.assert_close(crop, torch.full_like(crop, 0.0 if name in grey else 1.0))


@pytest.mark.parametrize("flat", ["torso", "limb", "head"])
def test_parts_without_area_are_mid_grey_and_finite(flat: str) -> None:
    joints = {
        "torso": {"j5": (60, 30), "j11": (60, 80), "j8": (60, 90), "j2": (60, 40)},
        "limb": {"j6": (50, 50), "j7": (50, 50)},
        "head": {"j2": (40, 50), "j5": (80, 50), "j0": (60, 50)},
    }[flat]
    crops = crop_parts(photos(1, SQUARE, 0), person(**joints), 16)
    name = {"torso": "torso", "limb": "left_forearm", "head": "head"}[flat]
    assert (of_part(crops, name) == 0).all()
    assert crops.isfinite().all()
    assert (of_part(crops, "right_thigh") != 0).any()


def test_a_crossed_torso_is_finite_and_within_the_photo() -> None:
    crossed = person(j5=(40, 30), j2=(80, 32), j8=(44, 80), j11=(78, 84))
    crops = crop_parts(photos(1, SQUARE, 0), crossed, 64)
    assert crops.isfinite().all()
    assert crops.abs().max() <= 1


def test_the_edge_of_the_photo_is_repeated() -> None:
    crop = of_part(crop_parts(ramp() + 1, person(j8=(2, 60), j9=(2, 100)), 16), "right_thigh")[0]
    assert crop[0, 0].tolist() == [1.0] * 16  # ten pixels left of the first column, whose red is 1


def test_photos_do_not_mix() -> None:
    photo, pose = photos(3, SQUARE, 0), Pose(torch.rand(3, 18, 2) * 127, torch.rand(3, 18) < 0.9)
    whole = crop_parts(photo, pose, 8)
    for i in range(3):
        assert torch.equal(crop_parts(photo[i : i + 1], pose[i : i + 1], 8), whole[i : i + 1])
