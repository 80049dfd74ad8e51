"""Videos: what is written is read back, upright, with its tags; and what is said without the package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from posegan.errors import UserError
from posegan.inference.video import open_video, write_mp4


def film(frames: int = 5, size: tuple[int, int] = (48, 32)) -> torch.Tensor:
    """Return frames whose upper half is bright and whose left quarter gets brighter."""
    made = torch.full((frames, 3, *size), 40, dtype=torch.uint8)
    made[:, :, : size[0] // 2] = 200
    for i in range(frames):
        made[i, :, :, : size[1] // 4] = 20 * i
    return made


@pytest.mark.parametrize("size", [(48, 32), (47, 31)])
def test_round_trip(size: tuple[int, int], tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    write_mp4(tmp_path / "a.mp4", film(size=size), 12.5, {"Description": "AI-generated", "posegan:source": "äb"})
    rate, frames = open_video(tmp_path / "a.mp4")
    found = torch.stack(list(frames))
    assert rate == 12.5
    assert found.shape == (5, 3, 48, 32)  # even sides
    error = (found[..., : size[0], : size[1]].float() - film(size=size).float()).abs()
    assert float(error.mean()) < 3
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert file.metadata["Description"] == "AI-generated"
        assert file.metadata["posegan:source"] == "äb"


def test_signed_frames_are_the_same_film(tmp_path: Path) -> None:
    pytest.importorskip("av")
    write_mp4(tmp_path / "a.mp4", film(), 10)
    write_mp4(tmp_path / "b.mp4", film().float() / 127.5 - 1, 10)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_phone_held_upright(tmp_path: Path) -> None:
    """Frames are stored lying, with a tag that says how to turn them."""
    av = pytest.importorskip("av")
    upright = film(2)
    lying = torch.rot90(upright, 1, (2, 3))  # a quarter to the left; the tag turns it back to the right
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.height, stream.width = lying.shape[-2:]
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(-90)
        for image in lying:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image.permute(1, 2, 0).numpy().copy(), format="rgb24")))
        file.mux(stream.encode())
    found = torch.stack(list(open_video(tmp_path / "a.mp4")[1]))
    assert found.shape == upright.shape
    assert float((found.float() - upright.float()).abs().mean()) < 5


def test_what_is_no_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match=r"a\.mp4 is not a readable video"):
        open_video(tmp_path / "a.mp4")
    with pytest.raises(UserError, match="There is no video"):
        open_video(tmp_path / "b.mp4")
    monkeypatch.setattr("posegan.inference.video.MOST_FRAMES", 3)
    write_mp4(tmp_path / "c.mp4", film(), 10)
    assert len(list(open_video(tmp_path / "c.mp4")[1])) == 3


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r"needs the package av: pip install 'posegan\[video\]'"):
        write_mp4(tmp_path / "a.mp4", film(), 10)
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="needs the package av"):
        open_video(tmp_path / "a.mp4")
