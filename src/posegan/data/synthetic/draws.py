"""Random numbers as pure functions of integer seeds.

Exists because every synthetic picture has to be equal in any batch and on any day: a counter-based hash replaces
generators, and the global generator is never touched. It does not aim at cryptographic or Monte Carlo quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF


def mix(value: Tensor) -> Tensor:
    """Hash int64 values to 32 bits, elementwise; multipliers stay below 2**31, so no product overflows int64."""
    value = value & _MASK
    value.bitwise_xor_(value >> 16).mul_(0x45D9F3B).bitwise_and_(_MASK)
    value.bitwise_xor_(value >> 15).mul_(0x2C1B3C6D).bitwise_and_(_MASK)
    return value.bitwise_xor_(value >> 16)


def combine(first: Tensor, second: Tensor | int) -> Tensor:
    """Hash two broadcastable int64 values to one 32-bit value."""
    high = mix(first >> 32)
    return mix(mix(first ^ (high * 3)) + 0x9E3779B1 + second)


def to_unit(value: Tensor) -> Tensor:
    """Map 32-bit hashes to [0, 1) float32 without rounding."""
    return (value >> 8).to(torch.float32) * 2.0**-24


def pixel_noise(seed: Tensor, shape: tuple[int, ...]) -> Tensor:
    """White noise in [-1, 1), (B, *shape): a roughly triangular distribution from two 12-bit halves of one hash."""
    count = 1
    for extent in shape:
        count *= extent
    # The arithmetic of `mix` in place on the low 32 bits: half the memory, and `& low` undoes the sign of a shift.
    start, step = (_low_bits(value) for value in (combine(seed, 77)[:, None], torch.arange(count) * 0x6C8E9CF5))
    value = start + step
    for shift, low, factor in ((16, 0xFFFF, 0x45D9F3B), (15, 0x1FFFF, 0x2C1B3C6D), (16, 0xFFFF, 1)):
        value = value.bitwise_xor_((value >> shift).bitwise_and_(low)).mul_(factor)
    total = (value >> 12).bitwise_and_(0xFFF).add_(value.bitwise_and_(0xFFF))
    return total.to(torch.float32).div_(4096.0).sub_(1.0).reshape(seed.shape[0], *shape)


def _low_bits(value: Tensor) -> Tensor:
    """The low 32 bits of int64 values as int32."""
    value = value & _MASK
    return torch.where(value > 0x7FFFFFFF, value - (1 << 32), value).to(torch.int32)


class Draws:
    """A stream of (B,) draws for the (B,) seeds; equal (seed, name, order of calls) gives equal numbers."""

    _BLOCK = 128  # draws hashed at a time, which saves many small tensor operations

    def __init__(self, seed: Tensor, name: str) -> None:
        self._key = combine(seed.to(torch.int64), crc32(name.encode()))
        self._count = 0
        self._number = -1  # of the block
        self._draws: tuple[Tensor, ...] = ()
        self._bells: tuple[Tensor, ...] = ()

    def _place(self, count: int) -> int:
        """The place in its block of the next draw; `count` draws are used up."""
        block, place = divmod(self._count, self._BLOCK)
        self._count += count
        if block != self._number:
            self._number = block
            # The two draws after the block serve the bells that begin at its end.
            counter = torch.arange(block * self._BLOCK, (block + 1) * self._BLOCK + 2)[:, None]
            draws = to_unit(combine(self._key[None], counter))
            self._draws = draws.unbind(0)
            self._bells = (draws[:-2] + draws[1:-1]).add_(draws[2:]).sub_(1.5).unbind(0)
        return place

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform (B,) float32 in [low, high)."""
        place = self._place(1)
        draw = self._draws[place]
        scaled = draw if high - low == 1.0 else draw * (high - low)
        return scaled if low == 0.0 else scaled + low

    def bell(self, spread: float = 1.0) -> Tensor:
        """Bell-shaped (B,) float32, standard deviation `spread`, bounded by 3 * `spread`."""
        place = self._place(3)
        return self._bells[place] * (2.0 * spread)

    def chance(self, probability: float | Tensor) -> Tensor:
        """Boolean (B,), true with the given probability."""
        return self.uniform() < probability

    def choice(self, weights: Sequence[float] | Tensor) -> Tensor:
        """Index (B,) int64 drawn with the given weights, (n,) or (B, n)."""
        table = torch.as_tensor(weights, dtype=torch.float32)
        edges = table.cumsum(-1)
        return (self.uniform()[:, None] * edges[..., -1:] >= edges[..., :-1]).sum(-1)

    def pick(self, table: Tensor) -> Tensor:
        """A random row of an (n, ...) table for each item, (B, ...)."""
        index = (self.uniform() * table.shape[0]).long().clamp(max=table.shape[0] - 1)
        return table[index]
