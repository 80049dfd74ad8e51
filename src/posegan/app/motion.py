"""A motion as a GIF file. Its pictures are made a few at a time: what others drag gets its turn in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import torch
from torch import Tensor

from posegan.app.messages import Motion
from posegan.app.refusal import RefusedError
from posegan.app.service import Service
from posegan.images import gif_bytes, to_bytes
from posegan.inference.animate import steady
from posegan.pose import Pose

MOTION = 64 * 1024  # bytes of a request: FRAMES poses are about 40 kB
AT_ONCE = 2  # pictures; a drag waits for them at most


async def make_gif(
    service: Service, session: str, asked: Motion, gone: Callable[[], Awaitable[bool]] | None = None
) -> bytes:
    """Return a session's motion as a GIF like those of `posegan animate`: steady background, provenance in its comment.

    One is made at a time, others wait; a session with one in the making is refused another. gone: whether whoever
    asked no longer waits. Raises RefusedError if the photo or the model is unknown, or as `Studio.targets`.
    """
    photo, others = service.store.person(session, asked.photo, asked.others)
    # As they are now: joints may be placed anew meanwhile.
    photo, others = replace(photo), tuple(replace(other) for other in others)
    targets = service.studio.targets(photo, asked.model, asked.poses)
    if session in service.in_motion:
        raise RefusedError("A GIF of yours is being made: wait for it.", 429)
    service.in_motion.add(session)
    try:
        async with service.one_motion:
            frames = []
            for start in range(0, len(targets), AT_ONCE):
                if gone is not None and await gone():
                    raise RefusedError("Nobody waits for this GIF any more.", 499)
                part = targets[start : start + AT_ONCE]
                frames.append(await service.on_models(service.studio.frames, photo, asked.model, part, others))
            said = await service.provenance(asked.model, photo, others)
            return await service.on_files(_write, torch.cat(frames), targets, asked.seconds, said)
    finally:
        service.in_motion.discard(session)


def _write(frames: Tensor, targets: Pose, seconds: float, said: dict[str, str]) -> bytes:
    shown = to_bytes(steady(frames, targets))
    return gif_bytes(list(shown), seconds / len(shown), said)
