"""A motion as a GIF, in chromium: the button, what it says and saves, and that nobody waits for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install 'posegan[browser]'")

from PIL import Image, ImageSequence
from playwright.sync_api import Page, Route

from tests.browser.hands import drag_joint, until_changed, until_quiet

pytestmark = pytest.mark.browser


def told(page: Page) -> str:
    return page.locator("#gif-note").inner_text()


def until_told(page: Page, start: str) -> None:
    page.wait_for_function("start => document.querySelector('#gif-note').textContent.startsWith(start)", arg=start)


def saved(page: Page, folder: Path) -> tuple[str, Path]:
    """Press the button and return the name that the browser saves the GIF under, and where it is."""
    with page.expect_download() as waiting:
        page.click("#download-gif")
    waiting.value.save_as(folder / "motion.gif")
    return waiting.value.suggested_filename, folder / "motion.gif"


def test_a_motion_that_plays_is_saved_in_real_time_and_says_what_it_is(page: Page, tmp_path: Path):
    assert page.locator("#download-gif").is_disabled()
    assert told(page).startswith("Play one")
    page.click("[data-sequence=walk-left]")
    assert told(page) == "Walk left, by vivid: 16 frames in 1.1 s, 64 × 128."
    name, path = saved(page, tmp_path)
    assert name == "person-walk-left-vivid.gif"
    until_told(page, "Saved")
    size = -(-path.stat().st_size // 1000)
    assert told(page) == f"Saved: Walk left, by vivid: 16 frames in 1.1 s, 64 × 128, {size} kB."
    with Image.open(path) as gif:
        assert (gif.size, gif.n_frames, gif.info["loop"]) == ((64, 128), 16, 0)
        said = json.loads(gif.info["comment"])
        assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(gif)) == pytest.approx(1100, abs=5)
    assert said["Description"].startswith("AI-generated")
    assert len(said["posegan:weights-sha256"]) == 64
    assert said["posegan:source"].startswith("synthetic person")
    page.click("[data-sequence=walk-left]")  # stopped, but still the one that was chosen
    assert page.locator("#download-gif").is_enabled()
    page.click("[data-sequence=walk-away]")
    assert told(page).startswith("Walk away, by vivid: ")


def test_the_way_from_the_photo_to_the_pose_is_that_to_the_present_pose(page: Page, tmp_path: Path):
    page.click("[data-sequence=photo]")
    page.click("[data-pose=arms-up]")
    assert told(page).startswith("Photo to pose, by vivid: ")
    name, path = saved(page, tmp_path)
    assert name == "person-photo-to-arms-up-vivid.gif"
    until_told(page, "Saved")
    page.click("[data-pose=sitting]")
    assert told(page).startswith("Photo to pose, by vivid: ")  # another one by now
    with Image.open(path) as gif:
        assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(gif)) == pytest.approx(2400, abs=5)
        frames = [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(gif)]
    assert len(set(frames)) > 8


def test_of_several_models_the_first_makes_it_and_that_is_said(page: Page, tmp_path: Path):
    page.locator("#models input:not(:checked)").check()
    page.click("[data-sequence=walk-front]")
    assert told(page).startswith("Walk front, by vivid, the first of the chosen models: ")
    assert saved(page, tmp_path)[0] == "person-walk-front-vivid.gif"


def test_while_it_is_made_the_page_says_so_and_joints_are_dragged(page: Page):
    held: list[Route] = []
    page.route("**/api/motion", lambda route: held.append(route))
    page.click("[data-sequence=walk-right]")
    page.focus("#download-gif")
    page.keyboard.press("Enter")
    until_told(page, "Making the GIF: Walk right, by vivid")
    button = page.locator("#download-gif")
    assert button.get_attribute("aria-disabled") == "true"
    assert page.evaluate("document.activeElement.id") == "download-gif"
    page.keyboard.press("Enter")  # once is enough
    page.click("[data-sequence=walk-right]")
    before = until_quiet(page)
    drag_joint(page, "right_wrist", -30, -80)
    until_changed(page, before)
    assert told(page).startswith("Making the GIF")
    assert len(held) == 1
    with page.expect_download():
        held[0].continue_()
    until_told(page, "Saved")
    assert button.get_attribute("aria-disabled") == "false"
    assert page.get_by_role("status").filter(has_text="Saved").count() == 1


def test_a_refusal_is_a_sentence_and_the_next_try_works(page: Page, tmp_path: Path):
    refusal = {"status": 429, "json": {"error": "A GIF of yours is being made: wait for it."}}
    page.route("**/api/motion", lambda route: route.fulfill(**refusal), times=1)
    page.click("[data-sequence=walk-left]")
    page.click("#download-gif")
    page.wait_for_selector("#message:not([hidden])")
    assert page.locator("#message-text").inner_text() == refusal["json"]["error"]
    assert told(page).startswith("Walk left, by vivid: ")
    saved(page, tmp_path)
    assert page.locator("#message").is_hidden()


class TestPhone:
    @pytest.fixture
    def options(self):
        return {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

    def test_button_and_line_fit_the_screen(self, page: Page, tmp_path: Path):
        page.locator("#models input:not(:checked)").check()
        page.tap("[data-sequence=walk-left]")
        box = page.locator("#download-gif").bounding_box()
        assert box is not None
        assert box["height"] >= 32
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        with page.expect_download():
            page.tap("#download-gif")
