"""What is taken from the photo itself: exactly what only moves, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegan.data import SyntheticPeople
from posegan.images import to_bytes, to_signed
from posegan.inference.carried import PhotoPerson, _inverse, part_motions
from posegan.inference.cutout import body_distances
from posegan.inference.part_pixels import owners
from posegan.inference.paste import paste_person
from posegan.inference.predictor import Predictor
from posegan.layers.warp import pixel_grid
from posegan.pose import Pose, body_mask
from posegan.pose.view import stretch
from tests.small_world import SIZE, standing

RIGHT_CALF, RIGHT_FOREARM, HEAD, TORSO = 4, 8, 1, 0


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


def person(height: int = 256) -> tuple[Tensor, Pose]:
    """Return a picture (3, H, W) of a synthetic person and their pose."""
    people = SyntheticPeople(4, (height, height // 2), seed=3)
    for index in range(len(people)):
        sample = people.render(*people.seeds([index]))
        if bool(sample.pose.visible.all()):
            return to_bytes(to_signed(sample.image[0])), sample.pose[0]
    raise AssertionError("nobody is seen whole")


def larger() -> Pose:
    """Return a person from the front, 256 pixels high, arms beside the body."""
    return standing().resize(SIZE, (256, 128))


def grid() -> Tensor:
    return pixel_grid((256, 128), torch.device("cpu"))


def grey(pose: Pose, body: Tensor | None = None) -> PhotoPerson:
    """Return the person of a plain photo, where colours tell nothing; without `body` there is no background."""
    body = torch.ones(1, 1, 256, 128) if body is None else body
    return PhotoPerson(pose, torch.zeros(1, 3, 256, 128), body)


def moved(pose: Pose, joints: list[int], by: tuple[float, float]) -> Pose:
    xy = pose.xy.clone()
    xy[joints] += torch.tensor(by)
    return Pose(xy, pose.visible)


def turned(pose: Pose, degrees: float) -> Pose:
    angle = math.radians(degrees)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = pose.xy[8]
    return Pose((pose.xy - middle) @ turn.T + middle, pose.visible)


@pytest.mark.parametrize("height", [128, 300, 900])
def test_the_same_pose_leaves_the_photo_as_it_is(height: int, predictor: Predictor) -> None:
    photo, pose = person(height)
    assert torch.equal(paste_person(predictor, photo, pose, pose), photo)
    assert not torch.equal(paste_person(predictor, photo, pose, pose, carry=False), photo)


@pytest.mark.parametrize("height", [300, 900])
def test_only_the_surroundings_of_a_moved_arm_change(height: int, predictor: Predictor) -> None:
    photo, pose = person(height)
    target = moved(pose, [4], (0.04 * height, -0.06 * height))
    made = paste_person(predictor, photo, pose, target)
    changed = (made != photo).any(0)
    arms = [
        body_mask(
            Pose(p.xy, torch.zeros(18, dtype=torch.bool).index_fill(0, torch.tensor([3, 4]), True)),
            photo.shape[1:],
            0.2 * height,
        )
        for p in (pose, target)
    ]
    assert changed.any()
    assert not (changed & ~(arms[0] | arms[1])).any()


def test_a_person_who_moves_as_a_whole_is_carried_whole(predictor: Predictor) -> None:
    photo, pose = person(300)
    made = paste_person(predictor, photo, pose, moved(pose, list(range(18)), (12.0, -5.0)))
    inside = body_mask(pose, (300, 150), 3.0)
    shifted = made.roll((5, -12), (1, 2))
    difference = (shifted.int() - photo.int()).abs().float().mean(0)
    assert float(difference[inside].mean()) < 3
    generated = paste_person(predictor, photo, pose, moved(pose, list(range(18)), (12.0, -5.0)), carry=False)
    other = (generated.roll((5, -12), (1, 2)).int() - photo.int()).abs().float().mean(0)
    assert float(other[inside].mean()) > 10  # the untrained network knows nothing of the person


def test_a_raised_forearm_is_carried_and_the_head_is_still() -> None:
    source = larger()
    target = moved(source, [4], (-30.0, -40.0))
    found = grey(source).carry(target)
    x, y = ((target.xy[3] + target.xy[4]) / 2).round().long().tolist()
    assert float(found.share[0, y, x]) > 0.9
    torch.testing.assert_close(found.place[0, y, x], (source.xy[3] + source.xy[4]) / 2, atol=1.0, rtol=0)
    assert float(found.still[0, y, x]) < 0.01
    nose = target.xy[0].round().long().tolist()
    assert float(found.still[0, nose[1], nose[0]]) == 1
    old = ((source.xy[3] + source.xy[4]) / 2).round().long().tolist()
    assert float(found.still[0, old[1], old[0]]) < 0.01


@pytest.mark.parametrize("name", ["back", "walking"])
def test_who_turns_is_generated(name: str) -> None:
    """From the front to the back, and to the side."""
    target = standing(name).resize(SIZE, (256, 128))
    found = grey(larger()).carry(target)
    assert float(found.share[body_mask(target, (256, 128), 4.0)[None]].max()) < 0.2


def test_where_a_part_ends_before_background_it_ends_in_the_new_pose() -> None:
    """The right shin: what stands beside it in the photo is not known to be free, background is."""
    pose = larger()
    target = moved(pose, [4], (14.0, -12.0))
    half = 0.2 * float((pose.xy[[2, 5]].mean(0) - pose.xy[[8, 11]].mean(0)).norm())
    x, y = ((pose.xy[9] + pose.xy[10]) / 2 - torch.tensor([1.6 * half, 0.0])).round().long().tolist()
    free = torch.ones(1, 1, 256, 128)
    free[..., : x + 3] = 0
    for body, least, most in ((torch.ones(1, 1, 256, 128), 0.0, 0.05), (free, 0.8, 1.0)):
        found = grey(pose, body).carry(target)
        assert found.share[0, y, x] < 0.2
        assert least <= found.clear[0, y, x] <= most
    slit = torch.ones(1, 1, 256, 128)  # behind which somebody else stands, or an arm hangs
    slit[..., x + 1 : x + 7] = 0
    assert grey(pose, slit).carry(target).clear[0, y, x - 2] > 0.7


def hanging() -> tuple[Pose, Pose]:
    """Return a person whose right arm hangs against the torso, and with that arm held out."""
    pose = larger()
    shoulder, hip = pose.xy[2].clone(), pose.xy[8]
    arm = float(hip[1] - shoulder[1]) / 2
    down, out = pose.xy.clone(), pose.xy.clone()
    for joint, part in ((3, 1), (4, 2)):
        down[joint] = shoulder + torch.tensor([-2.0, part * arm])
        out[joint] = shoulder + torch.tensor([-part * arm, 0.0])
    return Pose(down, pose.visible), Pose(out, pose.visible)


def test_where_an_arm_hung_a_torso_goes_on_no_farther_than_torsos_do() -> None:
    """Nothing but person beside person, all of one colour: what is beyond the arm's bone is the arm's."""
    down, out = hanging()
    found = grey(down).carry(out)
    waist = (down.xy[2] + down.xy[8]) / 2
    half = 0.2 * float((down.xy[[2, 5]].mean(0) - down.xy[[8, 11]].mean(0)).norm())
    x, y = waist.round().long().tolist()
    assert found.clear[0, y, x - round(half)] > 0.8
    assert found.share[0, y, x - round(half)] < 0.05
    assert found.clear[0, y, x + round(1.5 * half)] < 0.05
    assert found.share[0, y, x + round(1.5 * half)] > 0.9


def test_an_arm_ends_where_its_colour_does() -> None:
    """Nearer to its bone than without colours, where it ends half of the way to the torso."""
    down, out = hanging()
    x, y = ((down.xy[3] + down.xy[4]) / 2).round().long().tolist()
    body, distance = torch.ones(1, 1, 256, 128), body_distances(Pose.stack([down]), grid())
    plain, photo = torch.zeros(1, 3, 256, 128), torch.full((1, 3, 256, 128), -0.5)
    photo[..., : x + 3] = 0.5
    seen = owners(photo, body, distance)[0, [TORSO, RIGHT_FOREARM], y]
    unseen = owners(plain, body, distance)[0, [TORSO, RIGHT_FOREARM], y]
    torch.testing.assert_close(owners(photo, body, distance).sum(1), body[:, 0])
    assert seen[1, x + 1] > 0.9
    assert seen[0, x + 6] > seen[1, x + 6]
    assert unseen[0, x + 6] < unseen[1, x + 6]
    shares = [PhotoPerson(down, picture, body).carry(out).share[0, y, x + 6] for picture in (photo, plain)]
    assert shares[0] > shares[1] + 0.3


def test_a_face_is_carried_or_generated_and_hardly_ever_both() -> None:
    """A nose that moves away from the ears: half of a sharp face over half of a generated one is neither."""
    pose = Pose.stack([larger()])
    shifts = torch.linspace(0, 40, 81)
    trust = [float(part_motions(pose, Pose.stack([moved(larger(), [0], (float(x), 0.0))]))[1][HEAD]) for x in shifts]
    assert trust[0] == 1 and trust[-1] == 0
    assert trust == sorted(trust, reverse=True)
    assert sum(0.05 < value < 0.95 for value in trust) < 0.1 * len(trust)


def test_what_an_arm_hid_is_generated() -> None:
    source = larger()
    chest = (source.xy[2] + source.xy[5] + source.xy[8] + source.xy[11]) / 4
    crossed = source.xy.clone()
    crossed[3], crossed[4] = chest + torch.tensor([-22.0, 0.0]), chest + torch.tensor([12.0, 0.0])
    found = grey(Pose(crossed, source.visible)).carry(source)
    x, y = chest.round().long().tolist()
    assert float(found.share[0, y, x]) < 0.1
    assert float(found.share[0, y + 30, x]) > 0.9


@pytest.mark.parametrize("lost", ["source", "target"])
def test_a_limb_that_one_picture_lacks_is_generated(lost: str) -> None:
    whole = larger()
    armless = Pose(whole.xy, whole.visible & (torch.arange(18) != 4))
    source, target = (armless, whole) if lost == "source" else (whole, armless)
    trust = part_motions(Pose.stack([source]), Pose.stack([target]))[1]
    assert trust[RIGHT_FOREARM] == -1
    assert trust[HEAD] == 1
    x, y = ((whole.xy[3] + whole.xy[4]) / 2).round().long().tolist()
    found = grey(source).carry(target)
    assert float(found.still[0, y, x]) < 0.01
    if lost == "source":
        assert float(found.share[0, y, x]) < 0.1


def test_heads_without_a_common_point_are_generated() -> None:
    """Only the left ear is seen in one picture, only the right one in the other."""
    whole = larger()
    left, right = (
        Pose(whole.xy, whole.visible & ~torch.isin(torch.arange(18), torch.tensor([0, 14, 15, j]))) for j in (16, 17)
    )
    found = grey(left).carry(right)
    x, y = whole.xy[0].round().long().tolist()
    assert float(found.share[0, y, x]) < 0.01
    assert float(found.still[0, y, x]) < 0.01


def without(pose: Pose, *joints: int) -> Pose:
    return Pose(pose.xy, pose.visible & ~torch.isin(torch.arange(18), torch.tensor(joints)))


@pytest.mark.parametrize("lost", [(8,), (8, 9, 10, 11, 12, 13)], ids=["one hip", "all below the waist"])
def test_photos_that_end_above_the_hips(lost: tuple[int, ...]) -> None:
    source = without(larger(), *lost)
    target = moved(source, [4], (-30.0, -40.0))
    found = grey(source).carry(target)
    x, y = ((target.xy[3] + target.xy[4]) / 2).round().long().tolist()
    assert float(found.share[0, y, x]) > 0.9
    nose = target.xy[0].round().long().tolist()
    assert float(found.still[0, nose[1], nose[0]]) == 1


@pytest.mark.parametrize("lost", [(2,), (8, 11)], ids=["a shoulder", "both hips"])
def test_without_a_torso_in_one_picture_nothing_is_carried(lost: tuple[int, ...]) -> None:
    source = larger()
    for a, b in ((source, without(source, *lost)), (without(source, *lost), source)):
        found = grey(a).carry(b)
        assert not found.share.any()
        assert not found.still.any()


def odd_poses() -> dict[str, Pose]:
    whole = larger()
    point, line, bust = whole.xy.clone(), whole.xy.clone(), whole.xy.clone()
    point[:] = torch.tensor([60.0, 100.0])
    line[:, 0] = 60.0
    bust[5] = bust[2]
    everything = torch.ones(18, dtype=torch.bool)
    return {
        "both shoulders on one pixel, no hips": Pose(
            bust, everything & ~torch.isin(torch.arange(18), torch.arange(8, 14))
        ),
        "all on one point": Pose(point, everything),
        "all on one line": Pose(line, everything),
        "no shoulders": without(whole, 2, 5),
        "legs only": without(whole, 0, 1, 2, 3, 4, 5, 6, 7, 14, 15, 16, 17),
        "an arm without length": moved(whole, [4], tuple((whole.xy[3] - whole.xy[4]).tolist())),
    }


@pytest.mark.parametrize("name", odd_poses())
def test_odd_poses(name: str, predictor: Predictor) -> None:
    """They leave the photo as it is when nothing moves, and are finite when something does."""
    photo, odd = person(256)[0], odd_poses()[name]
    assert torch.equal(paste_person(predictor, photo, odd, odd), photo)
    for source, target in ((larger(), odd), (odd, larger()), (odd, moved(odd, [0, 9], (5.0, 4.0)))):
        found = grey(source).carry(target)
        for values in (found.place, found.share, found.still):
            assert bool(values.isfinite().all())


def test_a_torso_from_the_side_is_not_sheared() -> None:
    """Its four corners lie nearly on one line: a shoulder two pixels off would mirror or stretch it."""
    source = larger()
    source.xy[[5, 11]] = source.xy[[2, 8]] + torch.tensor([3.0, 1.0])
    target = moved(moved(source, [5], (-4.0, 1.0)), [11], (3.0, 0.0))
    affines, trust = part_motions(Pose.stack([source]), Pose.stack([target]))
    assert float(trust[TORSO]) > 0.9
    assert float(stretch(affines[:1, :, :2])) < 1.01
    torch.testing.assert_close(affines[TORSO, :, :2], torch.eye(2), atol=0.06, rtol=0)


def test_motions_of_a_body_that_leans() -> None:
    source = larger()
    affines, trust = part_motions(Pose.stack([source]), Pose.stack([turned(source, 20)]))
    cosine, sine = math.cos(math.radians(20)), math.sin(math.radians(20))
    back = torch.tensor([[cosine, sine], [-sine, cosine]])
    torch.testing.assert_close(affines[:, :, :2], back.expand(10, 2, 2), atol=1e-3, rtol=0)
    assert float(trust.min()) > 0.7  # the head has turned a little to the side, as far as its points tell
    assert float(trust[TORSO]) > 0.99


def test_a_foreshortened_arm_is_trusted_less() -> None:
    source = larger()
    towards = moved(source, [4], (0.0, 0.0))
    towards.xy[4] = source.xy[3] + 0.3 * (source.xy[4] - source.xy[3])
    trust = part_motions(Pose.stack([source]), Pose.stack([towards]))[1]
    assert float(trust[RIGHT_FOREARM]) < 0.05
    assert float(trust[HEAD]) == 1


def test_trust_does_not_depend_on_the_size_of_the_picture() -> None:
    source = standing()
    knee, shin = source.xy[9], source.xy[10] - source.xy[9]
    bent = moved(source, [], (0.0, 0.0))
    bent.xy[10] = knee + torch.stack([-0.8 * shin[1], -0.6 * shin[1]])  # the foot is drawn up behind
    small, large = (
        part_motions(*(Pose.stack([pose.resize(SIZE, (factor * 128, factor * 64))]) for pose in (source, bent)))[1]
        for factor in (1, 4)  # 512 rows are the most that are looked at
    )
    assert float(small[RIGHT_CALF]) > 0.9
    torch.testing.assert_close(large, small, rtol=0, atol=1e-3)


def test_closed_formulas_of_two_by_two_matrices() -> None:
    linear = torch.randn(200, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    straight = torch.linalg.det(linear) > 0.01
    singular = torch.linalg.svdvals(linear[straight])
    torch.testing.assert_close(stretch(linear[straight]), singular[:, 0] / singular[:, 1], rtol=1e-4, atol=1e-4)
    assert float(stretch(linear[torch.linalg.det(linear) < 0]).min()) > 10
    affine = torch.cat([linear, torch.randn(200, 2, 1, dtype=torch.float64)], 2)[straight]
    point = torch.randn(len(affine), 2, 1, dtype=torch.float64)
    there = affine[:, :, :2] @ point + affine[:, :, 2:]
    back = _inverse(affine)
    torch.testing.assert_close(back[:, :, :2] @ there + back[:, :, 2:], point, rtol=1e-6, atol=1e-6)
