"""What a user does on the page, and what a user sees."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page

from posegan.app.examples import Examples
from posegan.images import from_pil, png_bytes, to_pil
from posegan.pose import Pose, write_openpose


def picture(page: Page, model: int = 0) -> str:
    """Return the picture of a model as it is on the screen, as a PNG data address."""
    return page.evaluate("i => document.querySelectorAll('.result .picture')[i].toDataURL()", model)


def pixels(data: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB")


def until_changed(page: Page, old: str, model: int = 0) -> str:
    """Wait until another picture is shown, and return it."""
    look = "([i, old]) => document.querySelectorAll('.result .picture')[i].toDataURL() !== old"
    page.wait_for_function(look, arg=[model, old])
    return picture(page, model)


def until_shown(page: Page, wanted: str) -> None:
    page.wait_for_function("old => document.querySelector('.result .picture').toDataURL() === old", arg=wanted)


def until_quiet(page: Page) -> str:
    """Wait until no new picture has come for a while, and return the last."""
    count = "() => performance.getEntriesByType('measure').length"
    seen = -1
    while (now := page.evaluate(count)) != seen:
        seen = now
        page.wait_for_timeout(700)
    return picture(page)


def joint(page: Page, name: str) -> tuple[float, float]:
    """Return where a joint is on the screen."""
    return middle(page.locator(f".joint[data-name={name}] .dot"))


def middle(part: Locator) -> tuple[float, float]:
    """Return where the middle of a part of the page is on the screen."""
    box = part.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def place(page: Page, name: str) -> tuple[float, float] | None:
    """Return where a joint is in the photo, as the page tells screen readers; None if it is hidden."""
    label = page.locator(f".joint[data-name={name}]").get_attribute("aria-label") or ""
    found = re.search(r"at (-?\d+), (-?\d+)$", label)
    return (int(found[1]), int(found[2])) if found else None


def hold_joint(page: Page, name: str, dx: float, dy: float) -> None:
    """Move a joint until another picture is shown, and do not let go."""
    x, y = joint(page, name)
    before = picture(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=3)
    until_changed(page, before)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], steps: int = 6) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


def drag_joint(page: Page, name: str, dx: float, dy: float) -> None:
    x, y = joint(page, name)
    drag(page, (x, y), (x + dx, y + dy))


def touch(page: Page, *ways: list[tuple[float, float]]) -> None:
    """Put fingers down, one after the other, move each along its way, all at once, and lift them."""
    client = page.context.new_cdp_session(page)

    def send(kind: str, points: list[tuple[float, float]]) -> None:
        touched = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    for fingers in range(1, len(ways) + 1):
        send("touchStart", [way[0] for way in ways[:fingers]])
    for step in range(1, len(ways[0])):
        send("touchMove", [way[step] for way in ways])
    send("touchEnd", [])


def straight(start: tuple[float, float], dx: float, dy: float, steps: int = 5) -> list[tuple[float, float]]:
    """Return a way of a finger from a place on the screen."""
    return [(start[0] + dx * i / steps, start[1] + dy * i / steps) for i in range(steps + 1)]


def drop(page: Page, name: str, kind: str, data: bytes) -> None:
    """Drop a file on the page."""
    drop_all(page, [(name, kind, data)])


def drop_all(page: Page, files: list[tuple[str, str, bytes]], onto: str = "#stages") -> None:
    """Drop files (name, media type, content) together on an element of the page."""
    transfer = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, type, text] of files) {
                const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type }));
            }
            return transfer;
        }""",
        [[name, kind, base64.b64encode(data).decode()] for name, kind, data in files],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event(onto, event, {"dataTransfer": transfer})


def drop_placed(page: Page, photo: bytes, joints: Path, pose: Pose) -> None:
    """Drop a photo, give its joints as an OpenPose file, which is written, and go on to posing."""
    drop(page, "me.png", "image/png", photo)
    page.wait_for_selector("body[data-step=joints]")
    write_openpose(joints, [pose])
    page.set_input_files("#joints-file", joints)
    page.wait_for_function("() => document.querySelector('#live').textContent.includes('loaded')")
    page.click("#confirm")


def two_people() -> tuple[bytes, Pose]:
    """Return a PNG of a tall and a short person who stand side by side, and the joints of the short one."""
    tall, short = (Examples((128, 64)).get(number) for number in (1, 4))
    assert short.source is not None
    scene = Image.new("RGB", (640, 400), (150, 150, 150))
    scene.paste(to_pil(tall.pixels).resize((150, 300)), (100, 60))
    scene.paste(to_pil(short.pixels).resize((90, 180)), (450, 180))
    return png_bytes(from_pil(scene)), short.source.pose.resize((128, 64), (180, 90)).crop(-450, -180)


def find_in_box(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Drag the box of the step "joints" to a part of the photo, and have the joints looked for there."""
    # the lower right corner first: the other cannot pass it
    for number, (x, y) in ((2, (right, bottom)), (0, (left, top))):
        end = page.evaluate(
            "([x, y]) => { const at = new DOMPoint(x, y).matrixTransform(document.querySelector('#editor')"
            ".getScreenCTM()); return [at.x, at.y]; }",
            [x, y],
        )
        drag(page, middle(page.locator(".corner .square").nth(number)), end)
    page.click("#find")
