"""`SyntheticPeople`: determinism, and that joints, masks and correspondence tell the truth about the pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from posegan.data.synthetic import SyntheticPeople, SyntheticSample
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.body import Motion, sample_shape
from posegan.data.synthetic.draws import Draws
from posegan.data.synthetic.kinematics import coco_joints, pose_skeleton
from posegan.data.synthetic.motion import JOINT_LIMITS, sample_motion

GOLDEN = 0x9E3779B1
R_SHOULDER, R_ELBOW, R_WRIST, L_SHOULDER, R_HIP, L_HIP, NOSE = 2, 3, 4, 5, 8, 11, 0


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def people() -> SyntheticPeople:
    return SyntheticPeople(identities=5, poses_per_identity=4)


@pytest.fixture(scope="module")
def crowd(people: SyntheticPeople) -> SyntheticSample:
    return people.sample(range(16), surface=True)


def view_at(degrees: float) -> int:
    """A view seed whose camera sees the person turned by about so many degrees; 0 faces the camera."""
    for seed in range(4000):
        share = ((seed * GOLDEN + 0x6A09E667) & 0xFFFFFFFF) / 2.0**32
        if abs((share * 360 - degrees + 180) % 360 - 180) < 1.0:
            return seed
    raise AssertionError


def seeds(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def test_equal_seeds_give_equal_pictures_in_any_batch(people: SyntheticPeople, crowd: SyntheticSample) -> None:
    state = torch.get_rng_state()
    for index in (0, 13):
        alone = people.sample([index], surface=True)
        difference = (alone.image[0].int() - crowd.image[index].int()).abs()
        assert difference.max() <= 1
        assert (alone.pose.xy[0] - crowd.pose.xy[index]).abs().max() < 1e-3
        assert alone.pose.visible[0].equal(crowd.pose.visible[index])
        assert alone.mask[0].equal(crowd.mask[index])
    assert torch.get_rng_state().equal(state), "the global generator was used"


def test_each_seed_changes_its_own_thing(people: SyntheticPeople) -> None:
    base = people.render(seeds(1), seeds(2), seeds(3), seeds(4))
    scenery = people.render(seeds(1), seeds(2), seeds(3), seeds(5))
    assert scenery.pose.xy.equal(base.pose.xy)
    assert scenery.mask.equal(base.mask)
    assert not scenery.image.equal(base.image)
    assert not people.render(seeds(1), seeds(6), seeds(3), seeds(4)).pose.xy.equal(base.pose.xy)
    other = SyntheticPeople(5, poses_per_identity=4, seed=1)
    assert not other.read([0]).equal(people.read([0]))


def test_mask_covers_the_visible_joints(crowd: SyntheticSample) -> None:
    xy = crowd.pose.xy.round().long()
    x, y = xy[..., 0].clamp(0, 63), xy[..., 1].clamp(0, 127)
    hit = crowd.mask[torch.arange(16)[:, None], y, x]
    # Thin wrists and the tip of the nose may round to the pixel beside them.
    assert hit[crowd.pose.visible].float().mean() > 0.97
    torso = hit[:, [R_SHOULDER, L_SHOULDER, R_HIP, L_HIP]]
    assert torso[crowd.pose.visible[:, [R_SHOULDER, L_SHOULDER, R_HIP, L_HIP]]].float().mean() > 0.97


def test_arm_pixels_lie_along_their_bones(crowd: SyntheticSample) -> None:
    assert crowd.surface is not None
    for item in range(16):
        if not crowd.pose.visible[item, [R_SHOULDER, R_ELBOW, R_WRIST]].all():
            continue
        part = crowd.surface[item, ..., 0]
        pixels = ((part == sf.ARM_R + 1) | (part == sf.SLEEVE_R + 1)).nonzero().flip(-1).float()
        joints = crowd.pose.xy[item, [R_SHOULDER, R_ELBOW, R_WRIST]]
        hand = joints[2] + 0.85 * (joints[2] - joints[1])
        bones = [(joints[0], joints[1]), (joints[1], joints[2]), (joints[2], hand)]
        distance = torch.stack([segment_distance(pixels, *bone) for bone in bones]).amin(0)
        if len(distance):
            assert distance.quantile(0.95) < 8.5


def segment_distance(point: Tensor, start: Tensor, end: Tensor) -> Tensor:
    along = end - start
    t = (((point - start) * along).sum(-1) / along.square().sum().clamp(min=1e-6)).clamp(0, 1)
    return (point - start - t[:, None] * along).norm(dim=-1)


def test_front_back_and_side_views(people: SyntheticPeople) -> None:
    count = 8
    who, pose = torch.arange(count), torch.arange(count) * 5 + 3

    def seen_from(degrees: float) -> SyntheticSample:
        view = torch.full((count,), view_at(degrees))
        return people.render(who, pose, view, who)

    front, back, side = seen_from(0), seen_from(180), seen_from(90)
    shoulders = front.pose.visible[:, R_SHOULDER] & front.pose.visible[:, L_SHOULDER]
    assert (front.pose.xy[:, R_SHOULDER, 0] < front.pose.xy[:, L_SHOULDER, 0])[shoulders].all()
    assert (back.pose.xy[:, R_SHOULDER, 0] > back.pose.xy[:, L_SHOULDER, 0])[shoulders].all()
    assert front.pose.visible[:, NOSE].float().mean() > 0.7
    assert not back.pose.visible[:, [NOSE, 14, 15]].any(), "a face was seen through the head"
    far_side = side.occluded[:, [R_SHOULDER, L_SHOULDER, R_HIP, L_HIP]].any(-1)
    assert far_side.float().mean() > 0.7, "in profile the far side lies behind the body"
    assert side.pose.visible[side.occluded].all(), "an occluded joint stays in the pose"


def test_an_arm_behind_the_back_is_occluded(people: SyntheticPeople) -> None:
    pose = torch.arange(400)
    reach = sample_motion(pose)
    behind = (reach.reaching & (reach.reach[..., 2] < -0.25)).all(-1) & ~reach.seated
    pose = pose[behind][:4]
    assert len(pose)
    sample = people.render(torch.arange(len(pose)), pose, torch.full_like(pose, view_at(0)), pose)
    wrists = sample.occluded[:, [R_WRIST, 7]]
    assert wrists.float().mean() >= 0.75
    from_behind = people.render(torch.arange(len(pose)), pose, torch.full_like(pose, view_at(180)), pose)
    assert from_behind.occluded[:, [R_WRIST, 7]].float().mean() <= 0.5


def test_bones_are_rigid_and_feet_stand_on_the_ground() -> None:
    seed = torch.arange(64)
    shape, motion = sample_shape(seed), sample_motion(seed)
    skeleton = pose_skeleton(shape, motion)
    upper = (skeleton.elbow - skeleton.shoulder).norm(dim=-1)
    torch.testing.assert_close(upper, shape.upper_arm[:, None].expand(-1, 2), rtol=1e-3, atol=1e-3)
    shin = (skeleton.ankle - skeleton.knee).norm(dim=-1)
    torch.testing.assert_close(shin, shape.shin[:, None].expand(-1, 2), rtol=1e-3, atol=1e-3)
    assert (skeleton.ankle[..., 1].amin(1) > 0.02).all()
    assert (skeleton.ankle[..., 1].amin(1) < 0.30).all()
    joints, _ = coco_joints(shape, skeleton)
    assert joints.isfinite().all()


def test_poses_respect_the_joint_limits() -> None:
    motion: Motion = sample_motion(torch.arange(512))
    for name, (low, high) in JOINT_LIMITS.items():
        value = getattr(motion, name)
        assert low - 1e-6 <= float(value.min()), name
        assert float(value.max()) <= high + 1e-6, name


def test_same_view_has_identity_correspondence(people: SyntheticPeople) -> None:
    sample = people.render(seeds(3), seeds(4), seeds(5), seeds(6), surface=True)
    flow, valid = people.correspondence(sample, sample)
    assert sample.surface is not None
    assert valid[0].equal(sample.surface[0, ..., 0] > 0)
    y, x = torch.meshgrid(torch.arange(128), torch.arange(64), indexing="ij")
    there = torch.stack((x, y), -1).float()
    assert (flow[0] - there)[valid[0]].abs().max() < 1e-3


def test_texture_moves_with_the_body(people: SyntheticPeople) -> None:
    # The same light and exposure from the same side: what corresponds must look alike.
    view, who = view_at(20), torch.arange(4)
    fixed = torch.full_like(who, view)
    source = people.render(who, torch.full_like(who, 11), fixed, who, surface=True)
    target = people.render(who, torch.full_like(who, 12), fixed, who, surface=True)
    flow, valid = people.correspondence(source, target)
    assert valid.sum() > 4 * 300
    grid = flow / torch.tensor([63.0, 127.0]) * 2 - 1
    warped = torch.nn.functional.grid_sample(source.image.float(), grid, align_corners=True)
    error = (warped - target.image.float()).abs().mean(1)[valid].mean()
    still = (source.image.float() - target.image.float()).abs().mean(1)[valid].mean()
    assert error < 0.6 * still
    assert source.surface is not None
    assert target.surface is not None
    nearest = flow.round().long()
    x, y = nearest[..., 0].clamp(0, 63), nearest[..., 1].clamp(0, 127)
    found = source.surface[torch.arange(4)[:, None, None], y, x]
    assert (found[..., 0] == target.surface[..., 0])[valid].float().mean() > 0.97


def test_correspondence_needs_surfaces(people: SyntheticPeople) -> None:
    sample = people.sample([0])
    assert sample.surface is None
    with pytest.raises(ValueError, match="surface=True"):
        people.correspondence(sample, sample)


@pytest.mark.parametrize("size", [(256, 176), (97, 51)])
def test_any_size(size: tuple[int, int]) -> None:
    sample = SyntheticPeople(2, size, 2).sample([0, 3], surface=True)
    height, width = size
    assert sample.image.shape == (2, 3, height, width)
    assert sample.image.dtype == torch.uint8
    assert sample.mask.shape == (2, height, width)
    assert sample.surface is not None
    assert sample.surface.shape == (2, height, width, 4)
    assert 0.02 < float(sample.mask.float().mean()) < 0.7
    inside = sample.pose.xy[sample.pose.visible]
    assert (inside >= -0.5).all()
    assert (inside < torch.tensor([width, height])).all()


def test_walk_is_a_cycle_with_a_steady_camera(people: SyntheticPeople) -> None:
    walk = people.walk(5, 8, view_at(90), 2)
    assert walk.image.shape == (8, 3, 128, 64)
    corner = walk.image[:, :, :8, :8].float()
    assert (corner - corner[:1]).abs().max() <= 8, "the background moved"
    step = (walk.pose.xy[1:] - walk.pose.xy[:-1]).norm(dim=-1).mean(-1)
    back = (walk.pose.xy[0] - walk.pose.xy[-1]).norm(dim=-1).mean()
    assert back < 1.6 * step.max(), "the last frame does not lead back to the first"
    ankles = walk.pose.xy[:, 10, 0] - walk.pose.xy[:, 13, 0]
    assert ankles.min() < 0 < ankles.max(), "the feet do not pass each other"


def test_names_annotations_and_reading_agree(people: SyntheticPeople, crowd: SyntheticSample) -> None:
    assert len(people) == 20
    assert people.names[7] == "s0001_p03"
    assert people.identity_of("s0001_p03") == "s0001"
    poses = people.annotations()
    assert tuple(poses) == people.names
    pose = poses[people.names[5]]
    assert pose.xy.shape == (18, 2)
    torch.testing.assert_close(pose.xy, crowd.pose.xy[5], atol=1e-3, rtol=0)
    assert (people.read([5])[0].int() - crowd.image[5].int()).abs().max() <= 1


def test_poses_of_a_person_are_seen_from_all_sides() -> None:
    people = SyntheticPeople(3, poses_per_identity=8)
    _, _, view, _ = people.seeds(range(8))
    yaw = (((view * GOLDEN + 0x6A09E667) & 0xFFFFFFFF).double() / 2.0**32).sort().values
    gaps = torch.cat((yaw[1:] - yaw[:-1], yaw[:1] + 1 - yaw[-1:]))
    assert float(gaps.max()) < 0.25


def test_draws_are_uniform_and_independent() -> None:
    draw = Draws(torch.arange(20000), "test")
    first, second = draw.uniform(), draw.uniform()
    for value in (first, second):
        assert abs(float(value.mean()) - 0.5) < 0.01
        assert abs(float(value.std()) - math.sqrt(1 / 12)) < 0.01
    assert abs(float(torch.corrcoef(torch.stack((first, second)))[0, 1])) < 0.03
    assert abs(float(draw.choice((1.0, 3.0)).float().mean()) - 0.75) < 0.015


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"identities": 0}, "at least 1"),
        ({"poses_per_identity": 0}, "at least 1"),
        ({"size": (8, 8)}, "at least"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticPeople(**arguments)  # type: ignore[arg-type]


def test_bad_seeds_and_indices(people: SyntheticPeople) -> None:
    with pytest.raises(ValueError, match="one shape"):
        people.render(seeds(1, 2), seeds(1), seeds(1), seeds(1))
    with pytest.raises(ValueError, match="at least one"):
        people.render(seeds(), seeds(), seeds(), seeds())
    with pytest.raises(ValueError, match="frames"):
        people.walk(0, 0, 0, 0)
    with pytest.raises(IndexError, match="indices"):
        people.read([32])
