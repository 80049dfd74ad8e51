"""The identity embedding: colours at heights, its limits, its file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegan.errors import UserError
from posegan.identity import IdentityEmbedding, IdentityNet
from posegan.identity.embedding import Limits, save_embedding, shipped_file
from posegan.identity.network import STRIPES, opponent_colours
from posegan.images import to_signed
from posegan.weights import WeightsInfo, read_info, save_weights


@pytest.fixture(scope="module")
def shipped() -> IdentityEmbedding:
    return IdentityEmbedding.load()


def dressed(top: tuple[int, int, int], legs: tuple[int, int, int], light: float = 1.0, seed: int = 0) -> Tensor:
    """Return a photo (3, 128, 64) uint8 of a figure in two colours on grey, with grain."""
    photo = torch.full((3, 128, 64), 130.0)
    photo[:, 10:28, 24:40] = torch.tensor((190.0, 150.0, 130.0))[:, None, None]
    photo[:, 28:70, 18:46] = torch.tensor(top).float()[:, None, None]
    photo[:, 70:120, 20:44] = torch.tensor(legs).float()[:, None, None]
    grain = torch.randn(3, 128, 64, generator=torch.Generator().manual_seed(seed))
    return (photo * light + 4 * grain).round().clamp(0, 255).to(torch.uint8)


RED, BLUE, WHITE, GREEN = (180, 40, 40), (40, 60, 150), (225, 225, 225), (50, 140, 60)


def test_the_same_clothes_are_alike_and_others_are_not(shipped: IdentityEmbedding) -> None:
    looks = [dressed(RED, BLUE), dressed(RED, BLUE, 0.85, 1), dressed(WHITE, GREEN, 1.0, 2), dressed(BLUE, RED, 1.0, 3)]
    vectors = shipped(torch.stack(looks))
    assert torch.allclose(vectors.norm(dim=1), torch.ones(4), atol=1e-5)
    same, other, swapped = (vectors[0] @ vectors[1:].T).tolist()
    assert shipped.limits.verdict(same) == "likely"
    assert shipped.limits.verdict(other) == "unlikely"
    assert swapped < same - 0.2  # the same colours at other heights


def test_a_mirrored_photo_is_the_same_person(shipped: IdentityEmbedding) -> None:
    photo = torch.stack([dressed(RED, BLUE)])
    assert torch.allclose(shipped(photo), shipped(photo.flip(-1)), atol=1e-5)
    assert torch.equal(shipped(photo), shipped(to_signed(photo)))
    with pytest.raises(ValueError, match="photos are"):
        shipped(photo[:, :, :64])


def test_histograms_are_shares_of_colours() -> None:
    net = IdentityNet(2, 8)
    colours = opponent_colours(to_signed(torch.tensor([[255, 0, 0], [0, 0, 255]]).view(2, 3, 1, 1).expand(2, 3, 2, 2)))
    net.colours.copy_(colours[:, :, 0, 0])
    net.spread.fill_(0.01)
    photo = torch.zeros(1, 3, 128, 64, dtype=torch.uint8)
    photo[:, 0, :64], photo[:, 2, 64:] = 255, 255
    shares = net.histograms(to_signed(photo))[0].view(2, STRIPES) ** 2
    assert torch.allclose(shares.sum(0), torch.ones(STRIPES), atol=1e-4)
    assert torch.allclose(shares[0, :7], torch.ones(7), atol=1e-3)
    assert torch.allclose(shares[1, 8:], torch.ones(STRIPES - 8), atol=1e-3)
    assert shares[0, 7] == pytest.approx(0.5, abs=1e-3)


def test_verdicts() -> None:
    apart, mixed = Limits(likely=0.6, unlikely=0.4), Limits(likely=0.4, unlikely=0.6)
    assert [apart.verdict(s) for s in (0.7, 0.6, 0.5, 0.4, 0.3)] == [
        "likely",
        "likely",
        "doubtful",
        "doubtful",
        "unlikely",
    ]
    assert [mixed.verdict(s) for s in (0.7, 0.5, 0.3)] == ["likely", "doubtful", "unlikely"]


def test_files(tmp_path: Path, shipped: IdentityEmbedding, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.safetensors"
    save_embedding(path, shipped.network, shipped.limits, "nothing", 1, "Free.")
    again, photo = IdentityEmbedding.load(path), torch.stack([dressed(RED, BLUE)])
    assert torch.equal(again(photo), shipped(photo))
    assert again.limits == shipped.limits
    save_weights(tmp_path / "other.safetensors", {}, WeightsInfo("posegan", {}))
    save_weights(tmp_path / "cut.safetensors", {"colours": torch.zeros(4, 3)}, WeightsInfo("embedding", {}))
    for name, words in (("other", "no identity embedding"), ("cut", "does not fit"), ("gone", "is missing")):
        with pytest.raises(UserError, match=words):
            IdentityEmbedding.load(tmp_path / f"{name}.safetensors")
    assert shipped_file().stat().st_size < 2**20


def test_the_licence_names_no_option_since_not_every_command_has_it() -> None:
    assert "--" not in read_info(shipped_file()).licence
