"""`PairSampler`: which pair comes k-th. Pure functions of (seed, k): nothing about it is ever saved for a resume.

It reads no data and knows no ranks: the caller asks for the range of draws that is its own.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Mode = Literal["passes", "random"]
Words = npt.NDArray[np.uint64]


def _words(start: int, count: int, *key: int | str) -> Words:
    """Return the random 64-bit words number start..start+count-1 of the sequence named by `key` (SplitMix64)."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    offset = np.uint64(int.from_bytes(digest[:8], "little"))
    words = np.arange(start + 1, start + 1 + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + offset
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


@functools.lru_cache(maxsize=4)  # two passes meet in a batch, for training and for validation
def _pass(n_pairs: int, seed: int, number: int) -> npt.NDArray[np.int64]:
    return np.argsort(_words(0, n_pairs, seed, "pass", number), kind="stable").astype(np.int64)


class PairSampler:
    """An endless stream of pair numbers, each a pure function of (seed, position).

    mode "passes": every pair once per pass, each pass in an order of its own (Deformable GAN).
    mode "random": independent uniform draws with replacement (PATN, APS).
    Raises ValueError if there is no pair.
    """

    def __init__(self, n_pairs: int, seed: int = 0, mode: Mode = "passes") -> None:
        if not 0 < n_pairs < 2**32 or mode not in ("passes", "random"):
            raise ValueError(f"a sampler needs pairs and a mode 'passes' or 'random', got {n_pairs} and {mode!r}")
        self.n_pairs = n_pairs
        self.seed = seed
        self.mode = mode

    def indices(self, start: int, count: int) -> Tensor:
        """Return the draws number start..start+count-1: (count,) int64 in 0..n_pairs-1."""
        if self.mode == "random":
            high = _words(start, count, self.seed, "draw") >> np.uint64(32)  # bias below n_pairs / 2**32
            return torch.from_numpy((high * np.uint64(self.n_pairs) >> np.uint64(32)).astype(np.int64))
        drawn = np.empty(count, dtype=np.int64)
        done = 0
        while done < count:
            number, first = divmod(start + done, self.n_pairs)
            part = _pass(self.n_pairs, self.seed, number)[first : first + count - done]
            drawn[done : done + len(part)] = part
            done += len(part)
        return torch.from_numpy(drawn)

    def flips(self, start: int, count: int) -> Tensor:
        """Return whether the draws number start..start+count-1 are mirrored: (count,) bool, half of them True."""
        return torch.from_numpy(_words(start, count, self.seed, "flip") >> np.uint64(63) == 1)
