"""The whole photo with its person in a new pose, as a PNG. Of each photo only the newest pose counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from posegan.app.photos import Photo
from posegan.app.service import Service
from posegan.images import png_bytes
from posegan.pose import Pose


async def make_in_photo(
    service: Service,
    photo: Photo,
    model: str,
    pose: Pose,
    others: Sequence[Photo] = (),
    *,
    gone: Callable[[], Awaitable[bool]] | None = None,
) -> bytes:
    """Return a photo with its person in a pose, as `Studio.in_photo`, with the metadata of a PNG.

    One is made at a time, others wait, of each photo the newest. It takes two turns of the models, and one for each of
    `others`: what is dragged meanwhile gets its turn in between. gone: whether whoever asked no longer waits.
    Raises RefusedError as `Studio.in_photo`, or if a newer pose of the photo was asked for or nobody waits any more.
    """
    service.studio.targets(photo, model, Pose.stack([pose]))
    async with service.in_photo.turn(photo, "", gone) as check:
        person = await service.on_models(service.studio.in_photo, photo, model, pose, others)
        for step in person.steps:
            await service.on_models(step)
            check()
        image = await service.on_models(person.show, pose)
    said = await service.provenance(model, photo, others, carried=True)
    return await service.on_files(png_bytes, image, said)
