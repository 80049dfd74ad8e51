"""`SyntheticPeople`: the embedded data set, rendered on demand from integer seeds.

Exists as the public face of the renderer. Pictures are made in render.py; nothing is read from or written to disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic import correspondence, dressed, render
from posegan.data.synthetic.draws import combine
from posegan.pose import Pose

_CHUNK_PIXELS = 32 * 128 * 64  # pictures are rendered in chunks of about this many pixels, which bounds memory


@dataclass(frozen=True)
class SyntheticSample:
    """A batch of synthetic pictures with their truth.

    `image` (B, 3, H, W) uint8 RGB; `pose` with coordinates in pixels; `occluded` (B, 18) bool, joints inside the
    picture but hidden by the person's own body or a bag; `mask` (B, H, W) bool, pixels of the person with bag and hat;
    `surface` (B, H, W, 4) float32 or None, part number (0 is background) and three body-surface coordinates in metres
    of a standard body.
    """

    image: Tensor
    pose: Pose
    occluded: Tensor
    mask: Tensor
    surface: Tensor | None


class SyntheticPeople:
    """Procedurally rendered, clothed, articulated people; a pure function of integer seeds.

    Args:
        identities: number of people.
        size: (H, W) of the pictures in pixels, at least (32, 16).
        poses_per_identity: pictures of each person, each with its own pose, view and background.
        seed: another seed gives other people.
        one_background: all pictures of a person have the same surroundings; by default each has its own.

    Raises:
        ValueError: for a size or a count that is too small.
    """

    def __init__(
        self,
        identities: int = 256,
        size: tuple[int, int] = (128, 64),
        poses_per_identity: int = 8,
        seed: int = 0,
        one_background: bool = False,
    ) -> None:
        if identities < 1 or poses_per_identity < 1:
            raise ValueError(
                f"identities and poses_per_identity must be at least 1, got {identities} and {poses_per_identity}."
            )
        if len(size) != 2 or size[0] < 32 or size[1] < 16:
            raise ValueError(f"size must be (H, W) of at least (32, 16) pixels, got {size}.")
        self.size = (int(size[0]), int(size[1]))
        self.identities = identities
        self.poses_per_identity = poses_per_identity
        self.seed = seed
        self.one_background = one_background
        self.names: tuple[str, ...] = tuple(
            f"s{person:04d}_p{pose:02d}" for person in range(identities) for pose in range(poses_per_identity)
        )

    def __len__(self) -> int:
        return len(self.names)

    @staticmethod
    def identity_of(name: str) -> str:
        """The person part of a picture name: "s0007" for "s0007_p03"."""
        return name.rsplit("_p", 1)[0]

    def seeds(self, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Identity, pose, view and background seeds (n,) of picture indices."""
        index = torch.as_tensor(list(indices), dtype=torch.int64)
        if index.numel() and not (int(index.min()) >= 0 and int(index.max()) < len(self)):
            raise IndexError(
                f"picture indices must lie in 0..{len(self) - 1}, got {int(index.min())}..{int(index.max())}."
            )
        base = combine(torch.tensor(self.seed), 0)
        person = combine(base, index // self.poses_per_identity + 1)
        # Pose and view seeds are consecutive within a person, which spreads stances and sides evenly.
        start = person + index % self.poses_per_identity
        place = index - index % self.poses_per_identity if self.one_background else index
        return person, start, start + (person >> 7), combine(base + 1, place)

    def render(
        self, identity: Tensor, pose: Tensor, view: Tensor, background: Tensor, *, surface: bool = False
    ) -> SyntheticSample:
        """Render the people of four (B,) int64 seed tensors; equal seeds give equal pictures in any batch.

        `identity` chooses body and clothes, `pose` the articulation, `view` the side, framing, exposure and noise,
        `background` the surroundings. With `surface`, the sample also holds body-surface coordinates.
        """
        seeds = [torch.as_tensor(value, dtype=torch.int64) for value in (identity, pose, view, background)]
        if any(value.ndim != 1 or value.shape != seeds[0].shape for value in seeds):
            raise ValueError(
                f"the four seed tensors must have one shape (B,), got {[tuple(value.shape) for value in seeds]}."
            )
        if not seeds[0].numel():
            raise ValueError("at least one item is needed to render.")
        return self._render(seeds[0], seeds[1], seeds[2], seeds[3], None, surface)

    def walk(self, identity: int, frames: int, view: int, background: int) -> SyntheticSample:
        """One walk cycle of `frames` pictures with a steady camera and background.

        The last frame leads back to the first.
        """
        if frames < 1:
            raise ValueError(f"frames must be at least 1, got {frames}.")
        same = torch.full((frames,), 0, dtype=torch.int64)
        phase = torch.arange(frames, dtype=torch.float32) / frames
        return self._render(same + identity, same + identity, same + view, same + background, phase, False)

    def _render(
        self, identity: Tensor, pose: Tensor, view: Tensor, background: Tensor, phase: Tensor | None, surface: bool
    ) -> SyntheticSample:
        with torch.no_grad():
            person = dressed.build_figure(identity, pose, self.size[0], phase)
            camera = render.frame_camera(person, view, self.size, together=phase is not None)
            step = max(1, _CHUNK_PIXELS // (self.size[0] * self.size[1]))
            chunks = []
            for start in range(0, len(identity), step):
                part = slice(start, start + step)
                chunks.append(
                    render.render_figure(
                        person.slice(part), camera.slice(part), view[part], background[part], self.size, surface
                    )
                )
        maps = [chunk.surface for chunk in chunks if chunk.surface is not None]
        return SyntheticSample(
            image=torch.cat([chunk.image for chunk in chunks]),
            pose=Pose(torch.cat([chunk.xy for chunk in chunks]), torch.cat([chunk.visible for chunk in chunks])),
            occluded=torch.cat([chunk.occluded for chunk in chunks]),
            mask=torch.cat([chunk.mask for chunk in chunks]),
            surface=torch.cat(maps) if surface else None,
        )

    def correspondence(self, source: SyntheticSample, target: SyntheticSample) -> tuple[Tensor, Tensor]:
        """Where each target pixel's surface point is seen in the source.

        Returns (B, H, W, 2) source pixels (x, y), 0 where not valid, and (B, H, W) bool validity: the same surface
        point is visible in both. Both samples need `surface`.
        """
        if source.surface is None or target.surface is None:
            raise ValueError("correspondence needs samples that were rendered with surface=True.")
        # About 1.5 pixels of a standing person: 1.75 m over the picture height.
        return correspondence.match_surfaces(source.surface, target.surface, max(0.012, 1.5 * 1.75 / self.size[0]))

    def annotations(self) -> dict[str, Pose]:
        """Name to pose of every picture, in the form of `load_annotations`.

        Renders them all: which joints are hidden is seen in the picture alone.
        """
        poses: dict[str, Pose] = {}
        for start in range(0, len(self), 64):
            indices = range(start, min(start + 64, len(self)))
            pose = self.sample(indices).pose
            for row, index in enumerate(indices):
                poses[self.names[index]] = Pose(pose.xy[row], pose.visible[row])
        return poses

    def sample(self, indices: Sequence[int], *, surface: bool = False) -> SyntheticSample:
        """The pictures of indices 0 .. len - 1 with their truth."""
        return self.render(*self.seeds(indices), surface=surface)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Pictures (n, 3, H, W) uint8 of indices 0 .. len - 1, rendered on demand."""
        return self.sample(indices).image
