"""The history of generated pictures that a discriminator is also shown, so that it does not forget old mistakes.

It knows nothing of losses or networks. The pictures may carry their condition as further channels.
"""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """A pool of `size` fakes (C, H, W): once it is full, each new fake is exchanged for an old one half of the time.

    While the pool fills, fakes are stored and returned as they are; size 0 always returns them. Pictures and their
    number are buffers of fixed shape: they move with `.to()`, are part of the saved state and load back exactly. With
    several processes each has its own pool. Nothing waits for the device: the exchange is index arithmetic, with the
    result of taking the fakes one after the other, so a batch given in parts is as good as a whole one.
    Source: Shrivastava et al. 2017, in the form of Zhu et al. 2017 (CycleGAN).
    """

    images: Tensor
    count: Tensor

    def __init__(self, size: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))  # pictures in the pool

    @torch.no_grad()
    def forward(self, fakes: Tensor) -> Tensor:
        """Return (B, C, H, W) fakes, some exchanged for older ones, without gradient; the pool changes.

        Draws from torch's global generator. Raises ValueError for pictures of another shape than the pool's.
        """
        if fakes.shape[1:] != self.images.shape[1:]:
            raise ValueError(f"a pool of {tuple(self.images.shape[1:])} cannot take {tuple(fakes.shape[1:])}")
        fakes = fakes.detach()
        if self.size == 0:
            return fakes
        new = fakes.to(self.images.dtype)
        number = torch.arange(len(new), device=new.device)
        place = self.count + number  # where the fake would stand if the pool were endless
        fills = place < self.size
        exchanged = ~fills & (torch.rand(len(new), device=new.device) < 0.5)
        slot = torch.where(fills, place, torch.randint(self.size, (len(new),), device=new.device))

        # writers[i, j]: fake j goes into the slot of fake i. Entries of `both` are the pool, then the new fakes.
        writers = (slot[:, None] == slot) & (fills | exchanged)
        found = self._newest(writers.tril(-1), slot)  # what lies in the slot when fake i comes to it
        left = self._newest(writers, slot)  # what lies there after the batch; equal slots get equal pictures
        both = torch.cat([self.images, new])
        self.images[slot] = both[left]
        self.count.copy_((self.count + len(new)).clamp(max=self.size))
        return both[torch.where(exchanged, found, self.size + number)].to(fakes.dtype)

    def _newest(self, writers: Tensor, slot: Tensor) -> Tensor:
        """Return for each slot the entry of its newest writer, or of the pool's picture if nobody wrote."""
        number = torch.arange(len(slot), device=slot.device)
        newest = torch.where(writers, number, -1).amax(1)
        return torch.where(newest >= 0, self.size + newest, slot)
