"""The flagship's discriminator: a few convolutions, spectrally normalised or not, one logit a patch."""

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """Photo channels (B, C, H, W), and pose maps at half the size if there are any -> logits at 1/8 of the size."""

    def __init__(self, photo: int, maps: int, width: int, spectral: bool = True) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm if spectral else nn.Identity()
        self.photo = norm(nn.Conv2d(photo, width, 4, stride=2, padding=1))
        self.maps = norm(nn.Conv2d(maps, width, 3, padding=1)) if maps else None
        layers: list[nn.Module] = [nn.LeakyReLU(0.2)]
        for inputs, stride in ((width, 2), (2 * width, 2), (4 * width, 1)):
            conv = nn.Conv2d(inputs, min(2 * inputs, 4 * width), 4 if stride == 2 else 3, stride=stride, padding=1)
            layers += [norm(conv), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, photo: Tensor, maps: Tensor | None = None) -> Tensor:
        """Return the logits (B, 1, H/8, W/8)."""
        first = self.photo(photo)
        if self.maps is not None and maps is not None:
            first = first + self.maps(maps)
        logits: Tensor = self.layers(first)
        return logits
