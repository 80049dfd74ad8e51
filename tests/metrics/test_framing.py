import pytest
import torch

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.images import to_bytes, to_signed
from posegan.metrics import frame_batch, frame_photos, ssim
from posegan.pose import Pose


def test_white_bands_and_false_mask() -> None:
    photos = torch.randint(0, 200, (2, 3, 256, 176), dtype=torch.uint8)
    framed = frame_photos(photos, "white_256")
    assert framed.shape == (2, 3, 256, 256)
    assert torch.equal(framed[..., 40:216], photos)
    assert (framed[..., :40] == 255).all()
    assert (framed[..., 216:] == 255).all()
    assert torch.equal(to_bytes(frame_photos(to_signed(photos), "white_256")), framed)
    assert int(frame_photos(torch.ones(1, 256, 176, dtype=torch.bool), "white_256").sum()) == 256 * 176
    assert frame_photos(photos) is photos


def test_bands_lift_ssim() -> None:
    a, b = torch.randint(0, 256, (2, 1, 3, 256, 176), dtype=torch.uint8)
    framed = ssim(frame_photos(a, "white_256"), frame_photos(b, "white_256"))
    assert framed > ssim(a, b) + 0.2


def test_poses_move_with_their_photos() -> None:
    pose = Pose(torch.full((1, 18, 2), 7.0), torch.ones(1, 18, dtype=torch.bool))
    photo = torch.zeros(1, 3, 256, 176)
    batch = frame_batch(Batch(photo, photo, pose, pose, ("a",), ("b",)), "white_256")
    assert batch.size == (256, 256)
    assert batch.target_pose.xy[0, 0].tolist() == [47, 7]
    assert batch.target_names == ("b",)


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="256x176, these have 128x64"):
        frame_photos(torch.zeros(1, 3, 128, 64), "white_256")
    with pytest.raises(UserError, match="Unknown framing 'white'"):
        frame_photos(torch.zeros(1, 3, 256, 176), "white")
