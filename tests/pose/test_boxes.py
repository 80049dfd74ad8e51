"""Part boxes against a loop over joints, their margins, and parts that are not there."""

import torch

from posegan.pose import Pose
from posegan.pose.boxes import BOX_JOINTS, part_boxes

from ..pairs import FRAME, people, standing

PARTS = list(BOX_JOINTS)


def looped(pose: Pose, margin: float, margin_of_one: float) -> list[list[float]]:
    boxes = []
    for joints in BOX_JOINTS.values():
        points = [pose.xy[0, j].tolist() for j in joints if pose.visible[0, j]]
        if not points:
            boxes.append([0.0, 0.0, 1.0, 1.0])
            continue
        grown = margin_of_one if len(points) == 1 else margin
        x, y = zip(*points, strict=True)
        edges = (min(x) - grown, min(y) - grown, max(x) + grown, max(y) + grown)
        boxes.append([min(max(e, 0.0), last) for e, last in zip(edges, (63.0, 127.0, 63.0, 127.0), strict=True)])
    return boxes


def test_boxes_are_those_of_a_loop_over_the_joints() -> None:
    for seed in range(20):
        pose = people(1, FRAME, seed, seen=0.4)
        boxes, there = part_boxes(pose, FRAME)
        torch.testing.assert_close(boxes[0], torch.tensor(looped(pose, 6, 10)))
        assert there[0].tolist() == [any(pose.visible[0, j] for j in joints) for joints in BOX_JOINTS.values()]


def test_boxes_by_hand() -> None:
    boxes, there = part_boxes(standing(), FRAME)
    assert there.all()
    assert boxes[0, PARTS.index("left arm")].tolist() == [36, 22, 54, 64]
    assert boxes[0, PARTS.index("right leg")].tolist() == [20, 58, 32, 122]
    assert boxes[0, PARTS.index("head and shoulders")].tolist() == [16, 6, 48, 34]


def test_a_lone_joint_has_a_wider_margin_and_a_missing_part_a_box_of_one_pixel() -> None:
    pose = standing(missing=(5, 6, 2, 3, 4))
    boxes, there = part_boxes(pose, FRAME)
    assert boxes[0, PARTS.index("left arm")].tolist() == [38, 48, 58, 68]
    assert boxes[0, PARTS.index("right arm")].tolist() == [0, 0, 1, 1]
    assert [p for p, seen in zip(PARTS, there[0].tolist(), strict=True) if not seen] == ["right arm"]


def test_boxes_end_at_the_frame() -> None:
    boxes, _ = part_boxes(standing(dx=-40, dy=60), FRAME)
    assert boxes.min() == 0
    assert (boxes[..., 2] <= 63).all()
    assert boxes[..., 3].max() == 127


def test_margins_of_deepfashion_depend_on_the_legs() -> None:
    size = (256, 256)
    near = standing(missing=(9, 10)).resize(FRAME, size)  # of the right leg only the hip is seen
    far = standing(missing=(9, 13)).resize(FRAME, size)  # a knee of one, an ankle of the other: enough
    for pose, margin, rise in ((near, 20, 25), (far, 10, 10)):
        box = part_boxes(pose, size, "by_legs")[0][0, 0]
        head = pose.xy[0, [0, 1, 2, 5, 14, 15, 16, 17]].clone()
        head[0, 1] -= rise
        low, high = head.amin(0) - margin, head.amax(0) + margin
        torch.testing.assert_close(box, torch.cat([low.clamp(min=0), high]))
    lone = part_boxes(near, size, "by_legs")[0][0, PARTS.index("right leg")]
    hip = near.xy[0, 8]
    torch.testing.assert_close(lone, torch.cat([hip - 40, hip + 40]))


def test_batches_of_any_shape() -> None:
    boxes, there = part_boxes(people(3, FRAME, 1), FRAME, "by_legs")
    assert boxes.shape == (3, 7, 4)
    for i in range(3):
        single, seen = part_boxes(people(3, FRAME, 1)[i], FRAME, "by_legs")
        assert torch.equal(single, boxes[i])
        assert torch.equal(seen, there[i])
