"""Frozen VGG19 feature networks behind one interface, for perceptual and nearest-neighbour losses.

The weights are non-persistent buffers: they move with `.to()`, but are in no state_dict (a model that holds a
FeatureNetwork saves and loads without it), in no `parameters()` (no optimiser, EMA or parameter count sees them) and
have no gradients; gradients flow through to the image. There is nothing that train() or eval() could change. Keep the
network outside what DDP wraps: DDP would send its buffers to every process at each step.
It holds no loss and trains nothing. The weights are other people's files: given by path, or torchvision's is
downloaded; a missing file is an error that says where to get it, never a random network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegan.errors import UserError, unknown_name
from posegan.files import ExternalFile
from posegan.layers.state_files import read_state

WIDTHS = (64, 128, 256, 512, 512)  # VGG19's five blocks; a max-pool lies between two blocks
DEPTHS = (2, 2, 4, 4, 4)  # convolutions in each block
TAPS = tuple(f"relu{block}_{n}" for block, depth in enumerate(DEPTHS, 1) for n in range(1, depth + 1))


def require_tap(key: str, name: str) -> None:
    """Raise UserError if the network has no tap of that name; key: where the name was given."""
    if name not in TAPS:
        raise unknown_name(f"layer in {key}:", name, TAPS)


def block_of(tap: str) -> int:
    """Return which block of the network a tap lies in, from 0: its maps are 2^block times smaller than the photo."""
    return int(tap[4]) - 1


@dataclass(frozen=True)
class Kind:
    """One published feature network: its file, its input range, and where it differs from plain VGG19."""

    file: ExternalFile
    scale: tuple[float, float, float]  # network input = RGB in [-1, 1] * scale + shift
    shift: tuple[float, float, float]
    bgr: bool = False  # then turned to BGR
    url: str | None = None  # where torch can download the file itself
    widths: tuple[int, ...] = WIDTHS
    depths: tuple[int, ...] = DEPTHS
    distilled: bool = False  # 1x1 stem, reflection padding, and 1x1 heads back to VGG19's width at reluK_1 only

    def layers(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Return layer name to its prefix in the file and the shape of its weight, in order of computation."""
        layers: dict[str, tuple[str, tuple[int, ...]]] = {"stem": ("conv0", (3, 3, 1, 1))} if self.distilled else {}
        width, place = 3, 0  # torchvision numbers convolutions, ReLUs and pools in one sequence
        for block, (depth, out) in enumerate(zip(self.depths, self.widths, strict=True), 1):
            for n in range(1, depth + 1):
                prefix = f"conv{block}{n}" if self.distilled else f"features.{place}"
                layers[f"relu{block}_{n}"] = (prefix, (out, width, 3, 3))
                width, place = out, place + 2
            place += 1
            if self.distilled:
                layers[f"head{block}"] = (f"conv{block}1_aux", (WIDTHS[block - 1], out, 1, 1))
        return layers


KINDS = {
    "vgg19": Kind(
        file=ExternalFile(
            "torchvision's VGG19 (vgg19-dcbb9e9d.pth)",
            "ImageNet features for perceptual losses",
            "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth (its sha256 starts with dcbb9e9d)",
        ),
        scale=(0.5 / 0.229, 0.5 / 0.224, 0.5 / 0.225),
        shift=((0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225),
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    ),
    "vgg19_caffe": Kind(
        file=ExternalFile(
            "the Caffe VGG19 in torchvision's key names (vgg19-d01eb7cb.pth)",
            "ImageNet features in the range that the published loss weights were tuned to",
            "https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth (its sha256 starts with d01eb7cb)",
        ),
        scale=(127.5, 127.5, 127.5),
        shift=(127.5 - 123.68, 127.5 - 116.779, 127.5 - 103.939),  # Deformable GAN's code swaps red and blue here
        bgr=True,
    ),
    "vgg19_distilled": Kind(
        file=ExternalFile(
            "the VGG19 distilled to 1/16 of its channels (vgg19_distilled_16x.pth)",
            "small ImageNet features for perceptual losses",
            "https://github.com/MingSun-Tse/Collaborative-Distillation "
            "(sha256 9417c34d0d8d621bc6af78be745f1b8d30f5f210efa01e50655c60eb3770816b)",
            otherwise="or train on torchvision's own network: --model.features vgg19 --model.features_path null",
        ),
        scale=(0.5, 0.5, 0.5),
        shift=(0.5, 0.5, 0.5),
        widths=(16, 32, 64, 128, 128),
        depths=(2, 2, 4, 4, 1),
        distilled=True,
    ),
}


class FeatureNetwork(nn.Module):
    """VGG19 (or a network distilled from it) that returns the named activations of a photo.

    taps are VGG19's ReLU outputs, 'relu1_1' to 'relu5_4'. A distilled network only has reluK_1: it answers every
    reluK_N with its reluK_1, under the name that was asked for.
    """

    def __init__(self, kind: Kind, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.kind = kind
        self._layers = kind.layers()
        for name, (prefix, _) in self._layers.items():
            for part in ("weight", "bias"):
                tensor = weights[f"{prefix}.{part}"].detach().clone().float()
                self.register_buffer(f"{name}_{part}", tensor, persistent=False)
        self.register_buffer("scale", torch.tensor(kind.scale).view(3, 1, 1), persistent=False)
        self.register_buffer("shift", torch.tensor(kind.shift).view(3, 1, 1), persistent=False)

    def forward(self, image: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        """Return tap name to (B, C, H / 2^(block - 1), W / 2^(block - 1)) features of (B, 3, H, W) in [-1, 1].

        It computes no deeper than the deepest tap. Raises UserError for an unknown tap.
        """
        source = {tap: self._layer_of(tap) for tap in taps}
        missing = set(source.values())
        found: dict[str, Tensor] = {}
        x = self._prepare(image)
        for name in (name for name in self._layers if name.startswith("relu")):
            if not missing:
                break
            if name.endswith("_1") and name != "relu1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu_(self._conv(x, name))
            if name in missing:
                missing.remove(name)
                found[name] = F.relu_(self._conv(x, f"head{name[4]}")) if self.kind.distilled else x
        return {tap: found[name] for tap, name in source.items()}

    def _layer_of(self, tap: str) -> str:
        if tap not in TAPS:
            raise unknown_name("feature tap", tap, TAPS)
        return f"{tap[:5]}_1" if self.kind.distilled else tap

    def _prepare(self, image: Tensor) -> Tensor:
        x = image * self.get_buffer("scale") + self.get_buffer("shift")
        if self.kind.bgr:
            x = x.flip(1)
        return self._conv(x, "stem") if self.kind.distilled else x

    def _conv(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias")
        if weight.shape[-1] == 1:
            return F.conv2d(x, weight, bias)
        if self.kind.distilled:
            return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias)
        return F.conv2d(x, weight, bias, padding=1)


def load_features(kind: str, path: str | Path | None = None) -> FeatureNetwork:
    """Return the frozen network 'vgg19' (ImageNet range), 'vgg19_caffe' (BGR 0..255, mean off) or 'vgg19_distilled'.

    path: a .safetensors file or a .pth state dict, which is loaded without running code. Without a path 'vgg19' is
    downloaded by torch (once, hash checked); the other two need one.
    Raises UserError if the file is missing, unreadable or of another architecture, or for an unknown kind.
    """
    if kind not in KINDS:
        raise unknown_name("feature network", kind, KINDS)
    chosen = KINDS[kind]
    if path is None and chosen.url is not None:
        weights, origin = _download(chosen.file, chosen.url), chosen.url
    else:
        weights, origin = read_state(chosen.file.require(path)), str(path)
    _check(weights, chosen, origin)
    return FeatureNetwork(chosen, weights)


def _download(file: ExternalFile, url: str) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"{file.name} could not be downloaded ({error}): get it from {file.source} and give its path."
        ) from error
    return state


def _check(weights: Mapping[str, Tensor], kind: Kind, origin: str) -> None:
    """Raise UserError naming the file and the first key that does not fit; keys that are not needed are ignored."""
    for prefix, shape in kind.layers().values():
        for key, expected in ((f"{prefix}.weight", shape), (f"{prefix}.bias", shape[:1])):
            if key not in weights:
                fault = f"it has no key {key!r}"
            elif tuple(weights[key].shape) != expected:
                fault = f"its {key!r} has shape {tuple(weights[key].shape)}, not {expected}"
            else:
                continue
            raise UserError(f"{origin} is not {kind.file.name}: {fault}; get it from {kind.file.source}.")
