"""The appearance encoder: one tower for all parts, what each part sees, and parts that are missing."""

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.part_encoder import PART, PartEncoder
from posegan.layers.roi import crop_boxes
from posegan.pose import Pose
from posegan.pose.boxes import BOX_JOINTS, part_boxes
from posegan.pose.mask import pose_mask

from ..pairs import FRAME, photos, standing


def encoder(background: bool = True, crop: int = 8) -> PartEncoder:
    torch.manual_seed(0)
    blocks = 3 if background else None
    return PartEncoder(FRAME, width=4, crop=crop, growth="fixed", background_blocks=blocks, mask_radius=6.0)


def stem(network: PartEncoder, photo: Tensor) -> Tensor:
    first = F.relu(network.first(photo))
    a, b = network.stem.convs
    return first + F.relu(b(F.relu(a(first))))


def test_the_embedding_by_hand() -> None:
    network, photo, pose = encoder(), photos(1, FRAME, 0), standing()
    mask = pose_mask(pose, FRAME, 6.0)[:, None].float()
    person, rest = stem(network, photo) * mask, stem(network, photo) * (1 - mask)
    boxes = part_boxes(pose, FRAME)[0]
    parts = [network.part(crop_boxes(person, boxes[:, i : i + 1], 8)) for i in range(len(BOX_JOINTS))]
    assert network.background is not None
    torch.testing.assert_close(network(photo, pose), torch.cat([*parts, network.background(rest)], 1))
    assert network.outputs == 7 * 32 + 128


def test_without_a_background_the_parts_see_the_whole_photo() -> None:
    network, photo, pose = encoder(background=False), photos(1, FRAME, 0), standing()
    parts = network.part(crop_boxes(stem(network, photo), part_boxes(pose, FRAME)[0], 8))
    torch.testing.assert_close(network(photo, pose), parts.flatten()[None])
    assert network.outputs == 224


def test_a_part_without_a_visible_joint_is_zeros() -> None:
    network, photo = encoder(), photos(1, FRAME, 0)
    missing = network(photo, standing(missing=(5, 6, 7)))[0]
    left_arm = slice(3 * PART, 4 * PART)
    assert not missing[left_arm].any()
    assert network(photo, standing())[0, left_arm].all()
    assert missing[: 3 * PART].all()
    nobody = Pose(torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool))
    embedding = network(photo, nobody)[0]
    assert not embedding[:224].any()
    assert embedding[224:].any()  # all is background


def test_a_part_sees_its_box_only() -> None:
    """Legs painted over, farther from the other boxes than the stem reaches, change the legs' numbers only."""
    network, photo, pose = encoder(), photos(1, FRAME, 0), standing()
    painted = photo.clone()
    painted[..., 105:, :] *= -1  # below the arms' and the upper body's boxes
    before, after = (network(p, pose)[0, :224].unflatten(0, (7, PART)) for p in (photo, painted))
    changed = [name for name, a, b in zip(BOX_JOINTS, before, after, strict=True) if not torch.equal(a, b)]
    assert changed == ["lower body", "left leg", "right leg"]
