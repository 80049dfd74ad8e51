"""The whole photo with the person in the new pose, in chromium: when a pose rests, of that pose alone, and saved."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install 'posegan[browser]'")

from PIL import Image, ImageChops
from playwright.sync_api import Page, Route

from posegan.images import png_bytes
from posegan.inference.output import CARRIED
from tests.browser.hands import drag_joint, drop_placed, hold_joint, pixels, until_quiet
from tests.small_world import photo, standing

pytestmark = pytest.mark.browser

REST = 500  # milliseconds that a pose has to stay
READY = "#whole[aria-busy=false] img:not([hidden])"


def address(page: Page) -> str:
    return page.locator("#whole-photo").get_attribute("src") or ""


def until_another(page: Page, old: str = "") -> str:
    """Wait until another whole photo is shown than the one of that address, and return its address."""
    look = """([ready, old]) => {
        const image = document.querySelector(ready);
        return image !== null && image.src !== old;
    }"""
    page.wait_for_function(look, arg=[READY, old])
    return address(page)


def shown(page: Page) -> Image.Image:
    """Return the whole photo that is on the screen."""
    read = """() => {
        const image = document.querySelector('#whole-photo');
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        canvas.getContext('2d').drawImage(image, 0, 0);
        return canvas.toDataURL();
    }"""
    return pixels(page.evaluate(read))


def own_photo(page: Page, tmp_path: Path, size: tuple[int, int]) -> None:
    """Drop a photo (height, width) of a person on the page, and have them posed."""
    pose = standing().resize((128, 64), (250, 125)).crop(-60, -30)
    drop_placed(page, png_bytes(photo(3, pose, size)), tmp_path / "me.json", pose)
    page.wait_for_selector("body[data-step=pose]")


def fulfil(held: list[Route], number: int, colour: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 128), colour).save(file, "PNG")
    held[number].fulfill(body=file.getvalue(), content_type="image/png")


def test_a_dragged_joint_changes_the_whole_photo_which_has_the_photos_size(page: Page, tmp_path: Path):
    until_another(page)
    own_photo(page, tmp_path, (310, 260))
    first = until_another(page)
    before = shown(page)
    assert before.size == (260, 310)
    drag_joint(page, "left_wrist", 60, -140)
    until_another(page, first)
    after = shown(page)
    assert after.size == (260, 310)
    changed = ImageChops.difference(before, after).getbbox()
    assert changed is not None
    assert changed != (0, 0, 260, 310)  # what does not move stays
    image = page.locator("#whole-photo")
    assert image.get_attribute("alt") == "The whole photo with the person in the new pose, made by vivid"
    assert page.get_by_role("figure", name="In the photo, by vivid").count() == 1


def test_the_saved_photo_is_the_one_shown_and_says_what_it_is(page: Page, tmp_path: Path):
    own_photo(page, tmp_path, (310, 260))
    until_another(page)
    page.focus("#download-photo")
    assert page.locator("#whole-size").inner_text() == "260 × 310"
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "me-pose-vivid-photo.png"
    waiting.value.save_as(tmp_path / "photo.png")
    with Image.open(tmp_path / "photo.png") as made:
        assert (made.format, made.size) == ("PNG", (260, 310))
        assert made.convert("RGB").tobytes() == shown(page).tobytes()
        assert made.text["Description"].startswith("AI-generated")
        assert made.text["posegan:carried"] == CARRIED
        assert len(made.text["posegan:source"]) == 64


def test_while_a_joint_moves_the_last_one_stays_dimmed_and_is_not_saved(page: Page):
    old = until_another(page)
    asked: list[dict] = []
    page.on("request", lambda sent: asked.append(sent.post_data_json) if sent.url.endswith("/api/in-photo") else None)
    page.on("download", lambda _: asked.append({"saved": True}))
    hold_joint(page, "right_wrist", -20, -60)
    page.wait_for_timeout(2 * REST)
    assert asked == []  # a drag is no rest, however long it takes
    assert address(page) == old
    assert page.locator("#whole").get_attribute("aria-busy") == "true"
    assert float(page.locator("#whole-photo").evaluate("e => getComputedStyle(e).opacity")) == pytest.approx(0.4)
    assert page.locator("#download-photo").get_attribute("aria-disabled") == "true"
    page.locator("#download-photo").evaluate("e => e.click()")
    page.mouse.up()
    until_another(page, old)
    page.wait_for_timeout(300)
    assert page.locator("#whole-photo").evaluate("e => getComputedStyle(e).opacity") == "1"
    assert [wanted.get("model") for wanted in asked] == ["vivid"]


def test_a_drag_that_is_given_up_brings_the_whole_photo_and_the_verdict_back(page: Page):
    until_another(page)
    hold_joint(page, "right_wrist", -20, -60)
    assert page.locator("#whole").get_attribute("aria-busy") == "true"
    page.keyboard.press("Escape")
    page.mouse.up()
    page.wait_for_selector(READY)
    page.wait_for_function("() => document.querySelector('.result .verdict').children.length > 0")


def test_what_nobody_waits_for_any_more_is_given_up(page: Page):
    until_another(page)
    failed: list[str] = []
    page.on("requestfailed", lambda sent: failed.append(sent.url.rpartition("/")[2]))
    for name in ("in-photo", "judge"):
        page.route(f"**/api/{name}", lambda route: None, times=1)  # never answered
    page.click("[data-pose=arms-up]")
    page.wait_for_timeout(2 * REST)
    page.click("[data-pose=sitting]")
    page.wait_for_selector(READY)
    assert sorted(failed) == ["in-photo", "judge"]


def test_a_late_photo_of_another_pose_is_not_shown(page: Page):
    old = until_another(page)
    held: list[Route] = []
    page.route("**/api/in-photo", lambda route: held.append(route))
    page.click("[data-pose=arms-up]")
    page.wait_for_timeout(2 * REST)
    page.click("[data-pose=sitting]")
    page.wait_for_timeout(2 * REST)
    assert len(held) == 2
    fulfil(held, 0, "red")
    page.wait_for_timeout(300)
    assert address(page) == old
    fulfil(held, 1, "blue")
    until_another(page, old)
    assert shown(page).getpixel((0, 0)) == (0, 0, 255)


def test_without_the_box_it_is_neither_shown_nor_asked_for(page: Page):
    old = until_another(page)
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if sent.url.endswith("/api/in-photo") else None)
    page.get_by_label("In the photo", exact=True).first.uncheck()
    assert page.locator("#whole").is_hidden()
    page.click("[data-pose=arms-up]")
    until_quiet(page)
    page.wait_for_timeout(2 * REST)
    assert asked == []
    page.focus("#in-photo")
    page.keyboard.press("Space")
    until_another(page, old)
    assert page.locator("#whole").is_visible()
    assert len(asked) == 1


def test_of_several_models_the_first_makes_it(page: Page):
    old = until_another(page)
    page.locator("#models input:not(:checked)").check()
    until_another(page, old)
    assert page.locator("#whole-name").inner_text() == "In the photo, by vivid"
    old = address(page)
    page.locator("#models input[value=vivid]").uncheck()
    until_another(page, old)
    assert page.locator("#whole-name").inner_text() == "In the photo, by posegan-synthetic"


def test_a_refusal_is_said_below_it_and_the_next_pose_is_made(page: Page):
    old = until_another(page)
    refusal = {"status": 400, "json": {"error": "No joint of this pose lies in the picture."}}
    page.route("**/api/in-photo", lambda route: route.fulfill(**refusal), times=1)
    page.click("[data-pose=arms-up]")
    page.wait_for_function("() => document.querySelector('#whole-note').textContent !== ''")
    assert page.locator("#whole-note").inner_text() == "No joint of this pose lies in the picture."
    assert page.locator("#whole").get_attribute("aria-busy") == "true"
    page.click("[data-pose=sitting]")
    until_another(page, old)
    assert page.locator("#whole-note").inner_text() == ""


def test_nothing_of_the_last_photo_stays_with_the_next(page: Page, tmp_path: Path):
    until_another(page)
    held: list[Route] = []
    page.route("**/api/in-photo", lambda route: held.append(route))
    own_photo(page, tmp_path, (310, 260))
    page.wait_for_timeout(2 * REST)
    assert held
    assert page.locator("#whole-photo").is_hidden()
    assert address(page) == ""
    held[-1].continue_()
    until_another(page)
    assert shown(page).size == (260, 310)


def edges(page: Page, selector: str) -> tuple[float, float, float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def test_a_high_photo_stands_beside_the_picture_and_a_wide_one_below_the_controls(page: Page, tmp_path: Path):
    until_another(page)
    result, whole = edges(page, ".result .frame"), edges(page, "#whole .frame")
    assert result[2] < whole[0]
    assert result[1] == pytest.approx(whole[1], abs=1)
    assert result[3] == pytest.approx(whole[3], abs=1)
    own_photo(page, tmp_path, (310, 460))
    until_another(page)
    left, top, right, bottom = edges(page, "#whole .frame")
    assert top > edges(page, ".below")[3]
    assert (right - left) / (bottom - top) == pytest.approx(460 / 310, abs=0.01)


class TestPhone:
    @pytest.fixture
    def options(self):
        return {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

    def test_it_stands_below_the_controls_within_the_screen(self, page: Page, tmp_path: Path):
        until_another(page)
        own_photo(page, tmp_path, (310, 460))
        until_another(page)
        left, top, right, bottom = edges(page, "#whole .frame")
        assert top > edges(page, ".below")[3]
        assert 0 <= left < right <= 390
        assert (right - left) / (bottom - top) == pytest.approx(460 / 310, abs=0.01)
        assert edges(page, "#whole")[3] - bottom < 100  # no empty space below it
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        with page.expect_download():
            page.tap("#download-photo")
