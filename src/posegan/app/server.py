"""The routes of the web server: each reads a request, calls one function and answers. Errors are sentences in JSON.

Photos are read on one thread and rendered on another, so that no upload makes a drag wait.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import torch
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket

from posegan import __version__
from posegan.app import facts
from posegan.app.ending import Ending
from posegan.app.gate import Gate
from posegan.app.in_photo import make_in_photo
from posegan.app.live import BROKEN, Answer, converse
from posegan.app.messages import (
    OTHERS,
    Wish,
    parse_box,
    parse_motion,
    parse_object,
    parse_others,
    parse_pose,
    pose_to_json,
    text_field,
)
from posegan.app.motion import MOTION, make_gif
from posegan.app.photos import UPLOAD, Photo, Source, read_upload
from posegan.app.placing import place_in
from posegan.app.refusal import RefusedError
from posegan.app.requests import known_session, open_session, read_body
from posegan.app.service import Service
from posegan.app.studio import Studio
from posegan.detect import Detector
from posegan.errors import UserError
from posegan.images import png_bytes, to_bytes
from posegan.inference.poses import main_person
from posegan.pose import Pose
from posegan.pose.io import format_openpose, parse_openpose

PAGES = 64  # at the same time
NOBODY_IN_BOX = "Nobody was found in the box: draw it around one whole person, or place the joints by hand."
Session = Annotated[str, Depends(open_session)]


def create_app(studio: Studio, detector: Detector | None = None, host: str = "127.0.0.1") -> FastAPI:
    """Return the web application.

    detector: finds the joints in photos that people bring; without one the page has them placed by hand.
    host: the address that it will listen on, see `Gate`.
    """
    service = Service(studio, detector)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.warm_up()
        yield
        service.close()

    app = FastAPI(
        title="posegan", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(Ending)
    app.add_middleware(Gate, host=host)
    app.add_exception_handler(UserError, _say)
    app.add_exception_handler(HTTPException, _say)
    app.add_exception_handler(RequestValidationError, _say)
    app.add_exception_handler(Exception, _say)
    _page(app)
    _facts(app, service)
    _photos(app, service)
    _pictures(app, service)
    return app


async def _say(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, UserError):
        status, sentence = getattr(error, "status", 400), str(error)
    elif isinstance(error, HTTPException):
        status, sentence = error.status_code, f"{error.detail}: there is nothing here to do that with."
    elif isinstance(error, RequestValidationError):
        status, sentence = 422, "A part of the address is missing or of the wrong kind."
    else:
        status, sentence = 500, BROKEN
    return JSONResponse({"error": sentence}, status)


def _page(app: FastAPI) -> None:
    static = Path(str(resources.files("posegan") / "app" / "static"))

    @app.get("/")
    async def page(request: Request) -> FileResponse:
        response = FileResponse(static / "index.html")
        open_session(request, response)
        return response

    app.mount("/static", StaticFiles(directory=static), name="static")


def _facts(app: FastAPI, service: Service) -> None:
    @app.get("/api/skeleton")
    async def skeleton() -> dict[str, Any]:
        return facts.skeleton()

    @app.get("/api/models")
    async def models() -> dict[str, Any]:
        detector = service.detector.name if service.detector else None
        models = service.studio.describe()
        return {"version": __version__, "models": models, "detector": detector, "photos": 1 + OTHERS}

    @app.get("/api/library")
    async def library() -> dict[str, Any]:
        return facts.library()

    @app.get("/api/examples")
    async def examples() -> dict[str, Any]:
        return {"count": len(service.examples)}

    @app.get("/api/examples/{number}.png")
    async def example(number: int) -> Response:
        photo = await service.on_files(service.examples.get, number)
        return Response(photo.shown[0], media_type=photo.shown[1])


def _photos(app: FastAPI, service: Service) -> None:
    @app.post("/api/examples/{number}")
    async def take_example(number: int, session: Session) -> dict[str, Any]:
        return service.keep(session, await service.on_files(service.examples.get, number))

    @app.post("/api/photo")
    async def add_photo(request: Request, session: Session) -> dict[str, Any]:
        return service.keep(session, await _uploaded(service, request, session))

    @app.post("/api/photo/{name}/others")
    async def add_other(name: str, request: Request) -> dict[str, Any]:
        session = known_session(request)
        first = service.store.get(session, name)
        if service.detector is None:
            raise RefusedError("Nothing here finds joints: more photos of a person cannot be added.", 409)
        photo = await _uploaded(service, request, session)
        return service.keep(session, photo) | {"doubt": await service.on_models(service.doubt, first, photo)}

    @app.get("/api/photo/{name}")
    async def show_photo(name: str, request: Request) -> Response:
        photo = service.store.get(known_session(request), name)
        data, kind = await service.on_files(lambda: photo.shown)
        return Response(data, media_type=kind)

    @app.put("/api/photo/{name}/pose")
    async def set_joints(name: str, request: Request) -> dict[str, Any]:
        photo = service.store.get(known_session(request), name)
        pose = parse_pose(parse_object(await read_body(request)).get("pose")).inside(photo.size)
        if not pose.visible.any():
            raise RefusedError("No joint lies in the photo: place the joints on the person first.")
        photo.source = Source(pose)
        return {"boxes": service.studio.boxes(photo)}

    @app.post("/api/photo/{name}/find")
    async def find_in_box(name: str, request: Request) -> dict[str, Any]:
        photo = service.store.get(known_session(request), name)
        if service.detector is None:
            raise RefusedError("Nothing here finds joints: place them by hand.", 409)
        box = parse_box(parse_object(await read_body(request)).get("box"), photo.size)
        pose = await service.find_person(photo, box)
        if pose is None:
            raise RefusedError(NOBODY_IN_BOX, 422)
        return {"pose": pose_to_json(pose)}

    @app.post("/api/person")
    async def read_person(request: Request) -> dict[str, Any]:
        text = (await read_body(request)).decode("utf-8-sig", "replace")
        return {"pose": pose_to_json(main_person(parse_openpose(text, "This file"), "This file"))}

    @app.get("/api/photo/{name}/library")
    async def library_for(name: str, request: Request) -> dict[str, Any]:
        photo = service.store.get(known_session(request), name)
        return await service.on_files(facts.library_for, photo, service.studio.main_box(photo))

    @app.post("/api/photo/{name}/place")
    async def place(name: str, request: Request) -> dict[str, Any]:
        photo = service.store.get(known_session(request), name)
        pose = parse_pose(parse_object(await read_body(request)).get("pose"))
        box = service.studio.main_box(photo)
        assert photo.source is not None
        return {"pose": pose_to_json(place_in(box, Pose.stack([pose]), photo.source.pose)[0])}


def _pictures(app: FastAPI, service: Service) -> None:
    @app.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        if service.pages >= PAGES:
            await socket.close(1013, f"Already {PAGES} pages are open: close one.")
            return
        session = known_session(socket)

        async def render(wish: Wish, model: str) -> Answer:
            photo, others = service.store.person(session, wish.photo, wish.others)
            return await service.on_models_now(_answer, service.studio, photo, wish, model, others)

        service.pages += 1
        try:
            await converse(socket, render)
        finally:
            service.pages -= 1

    @app.post("/api/download")
    async def download(request: Request) -> Response:
        photo, model, pose, others = await _asked(service, request)
        picture = await service.on_models(service.studio.render, photo, model, pose, others)
        said = await service.provenance(model, photo, others)
        return Response(png_bytes(picture.image, said), media_type="image/png")

    @app.post("/api/in-photo")
    async def in_photo(request: Request) -> Response:
        png = await make_in_photo(service, *await _asked(service, request), gone=request.is_disconnected)
        return Response(png, media_type="image/png")

    @app.post("/api/motion")
    async def motion(request: Request) -> Response:
        asked = parse_motion(await read_body(request, MOTION))
        session = known_session(request)
        gif = await make_gif(service, session, asked, request.is_disconnected)
        return Response(gif, media_type="image/gif")

    @app.post("/api/judge")
    async def judge(request: Request) -> dict[str, Any]:
        photo, model, pose, others = await _asked(service, request)
        service.studio.targets(photo, model, Pose.stack([pose]))
        async with service.judgements.turn(photo, model, request.is_disconnected):
            judgement = await service.on_models(service.judge, photo, model, pose, others)
        return {"sentences": list(judgement.sentences().values())}

    @app.post("/api/openpose")
    async def openpose(request: Request) -> Response:
        asked = parse_object(await read_body(request))
        photo = service.store.get(known_session(request), text_field(asked, "photo"))
        pose = parse_pose(asked.get("pose")).resize(photo.size, photo.original)
        return Response(format_openpose([pose]), media_type="application/json")


async def _uploaded(service: Service, request: Request, session: str) -> Photo:
    """Return the photo that a request holds, with joints where somebody is found; raises RefusedError."""
    with service.uploads.one(session):
        photo = await service.on_files(read_upload, await read_body(request, UPLOAD))
    pose = await service.find_person(photo)
    photo.source = None if pose is None else Source(pose)
    return photo


async def _asked(service: Service, request: Request) -> tuple[Photo, str, Pose, tuple[Photo, ...]]:
    """Return which photo is wanted by which model in which pose, and more photos of the person; raises RefusedError."""
    asked = parse_object(await read_body(request))
    photo, others = service.store.person(known_session(request), text_field(asked, "photo"), parse_others(asked))
    return photo, text_field(asked, "model"), parse_pose(asked.get("pose")), others


def _answer(studio: Studio, photo: Photo, wish: Wish, model: str, others: tuple[Photo, ...]) -> Answer:
    picture = studio.render(photo, model, wish.pose, others)
    image = to_bytes(picture.image)
    opaque = torch.full_like(image[:1], 255)
    pixels = torch.cat([image, opaque]).permute(1, 2, 0).contiguous().numpy().tobytes()
    size = [image.shape[-2], image.shape[-1]]
    return {
        "number": wish.number,
        "model": model,
        "size": size,
        "milliseconds": round(picture.milliseconds, 1),
    }, pixels
