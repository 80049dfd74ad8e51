"""More photos of the person, in chromium: added by dropping or choosing files, seen, used, and removed by keyboard."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install 'posegan[browser]'")

import torch
from playwright.sync_api import Page, Route

from posegan.data import SyntheticPeople
from posegan.images import png_bytes
from tests.app.conftest import picture as nobody

from .hands import drag_joint, drop_all, find_in_box, picture, until_changed, until_shown

pytestmark = pytest.mark.browser

MOST = 8


def photos(*numbers: int) -> list[tuple[str, str, bytes]]:
    """Return files of one synthetic person, in whom the detector finds the joints: from before (9), from behind (5)."""
    seeds = torch.tensor(numbers)
    people = SyntheticPeople(1, (256, 128)).render(torch.full_like(seeds, 3), seeds, seeds, torch.full_like(seeds, 3))
    return [(f"{n}.png", "image/png", png_bytes(image)) for n, image in zip(numbers, people.image, strict=True)]


def names(page: Page) -> list[str | None]:
    return [image.get_attribute("aria-label") for image in page.locator("#other-photos svg").all()]


def until_there(page: Page, count: int) -> None:
    page.wait_for_function("n => document.querySelectorAll('#other-photos li').length === n", arg=count)


def until_rested(page: Page) -> str:
    """Wait until the whole photo of the pose is there, which comes after its picture, and return the picture."""
    page.wait_for_selector("#whole[aria-busy=false] img:not([hidden])")
    return picture(page)


def test_photos_are_added_and_used_and_removed(page: Page):
    asked: list[dict] = []
    page.on("request", lambda sent: asked.append(sent.post_data_json) if sent.url.endswith("/api/in-photo") else None)
    assert page.locator("#others").is_hidden()  # nobody has more photos of a synthetic person
    front, back, side = photos(9, 5, 2)
    drop_all(page, [front, back])
    until_there(page, 1)
    assert names(page) == ["Photo 2 of this person"]
    assert page.locator("#other-photos line").count() > 8  # its joints
    page.click("#confirm")
    page.click("[data-pose=back]")
    both = until_rested(page)
    drop_all(page, [side], "#others")
    until_there(page, 2)
    three = until_rested(page)
    assert len(asked[-1]["others"]) == 2
    page.get_by_role("button", name="Remove photo 3").focus()
    page.keyboard.press("Enter")
    until_there(page, 1)
    until_shown(page, both)
    assert page.evaluate("() => document.activeElement.ariaLabel") == "Remove photo 2"
    page.keyboard.press("Space")
    until_there(page, 0)
    alone = until_changed(page, both)
    assert len({both, three, alone}) == 3
    assert page.evaluate("() => document.activeElement.id") == "other-file"
    page.set_input_files("#photo-file", [{"name": "1.png", "mimeType": "image/png", "buffer": back[2]}])
    page.wait_for_selector("body[data-step=joints]")
    assert names(page) == []  # another person
    page.click(".person >> nth=1")
    page.wait_for_selector("#others", state="hidden")


def test_after_another_person_the_own_photo_comes_back_with_all_that_was_done(page: Page):
    assert page.locator("#yours").is_hidden()
    drop_all(page, photos(9, 5))
    until_there(page, 1)
    page.click("#confirm")
    page.click("[data-pose=arms-up]")
    posed = until_rested(page)
    page.click(".person >> nth=1")
    until_changed(page, posed)
    page.click(".person >> nth=2")
    page.wait_for_timeout(300)
    page.click(".own-photo")
    until_there(page, 1)
    until_shown(page, posed)
    assert page.locator("#yours").is_hidden()  # nothing else to go to
    page.keyboard.press("Control+z")
    until_changed(page, posed)


def test_one_goes_from_one_own_photo_to_another_and_finds_each_as_it_was_left(page: Page):
    posed = []
    for number, pose in ((9, "arms-up"), (5, "walking")):
        drop_all(page, photos(number))
        page.wait_for_selector("body[data-step=joints]")
        page.click("#confirm")
        page.click(f"[data-pose={pose}]")
        posed.append(until_rested(page))
    drop_all(page, photos(2))  # its joints are not confirmed yet
    page.wait_for_selector("body[data-step=joints]")
    own = page.locator(".own-photo")
    assert [button.get_attribute("title") for button in own.all()] == ["9", "5", "2"]
    for number in (0, 1, 0):
        own.nth(number).click()
        until_shown(page, posed[number])
        pressed = [button.get_attribute("aria-pressed") for button in own.all()]
        assert pressed == [str(n == number).lower() for n in range(3)]
    own.nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-step=joints]")


def until_joining(page: Page, joining: bool) -> None:
    page.wait_for_function("is => document.body.classList.contains('joining') === is", arg=joining)


def test_where_nobody_is_found_in_a_further_photo_one_shows_where_they_are(page: Page):
    asked: list[dict] = []
    page.on("request", lambda sent: asked.append(sent.post_data_json) if sent.url.endswith("/api/in-photo") else None)
    (front, back), empty = photos(9, 5), nobody((300, 400))
    drop_all(page, [front])
    page.wait_for_selector("body[data-step=joints]")
    page.click("#confirm")
    page.click("[data-pose=arms-up]")
    alone = until_rested(page)
    left = asked[-1]
    drop_all(page, [("a.png", "image/png", empty), ("b.png", "image/png", empty), back], "#others")
    until_joining(page, True)
    assert "Nobody was found in this photo." in page.locator("#joints-hint").inner_text()
    assert page.locator("#others, #yours").filter(visible=True).count() == 0
    find_in_box(page, 60, 40, 200, 380)  # nobody there either
    page.wait_for_function("() => document.querySelector('#message-text').textContent.includes('in the box')")
    drag_joint(page, "right_wrist", -20, 10)
    page.get_by_role("button", name="Use this photo").click()
    page.wait_for_function("() => !document.querySelector('#undo').matches(':enabled')")  # the second one
    until_joining(page, True)
    page.get_by_role("button", name="Cancel").click()
    until_joining(page, False)
    until_there(page, 2)  # the one in whom somebody was found, and the first of the others
    assert until_changed(page, alone) != alone
    until_rested(page)
    assert len(asked[-1]["others"]) == 2
    assert asked[-1]["pose"] == left["pose"]


def test_the_joints_of_a_further_photo_are_mended(page: Page):
    drop_all(page, photos(9, 5))
    until_there(page, 1)
    drawn = page.locator("#other-photos svg").inner_html()
    page.get_by_role("button", name="Mend the joints of photo 2").click()
    until_joining(page, True)
    page.click("#swap")
    page.get_by_role("button", name="Cancel").click()
    until_joining(page, False)
    assert page.locator("#other-photos svg").inner_html() == drawn
    page.get_by_role("button", name="Mend the joints of photo 2").click()
    until_joining(page, True)
    page.click("#swap")
    page.get_by_role("button", name="Use this photo").click()
    until_joining(page, False)
    assert page.locator("#other-photos svg").inner_html() != drawn
    assert names(page) == ["Photo 2 of this person"]


def test_leaving_the_page_with_an_own_photo_is_asked_first(page: Page):
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.click("[data-pose=arms-up]")  # without a click no browser asks
    page.reload()
    page.wait_for_selector(".result .time:not(:empty)")
    assert asked == []
    drop_all(page, photos(9))
    page.wait_for_selector("body[data-step=joints]")
    page.click("#confirm")
    page.wait_for_selector("body[data-step=pose]")
    page.reload()
    assert asked == ["beforeunload"]


def test_a_photo_of_somebody_else_is_added_and_that_is_said(page: Page):
    front, back = photos(9, 5)

    def doubt(route: Route) -> None:
        told = route.fetch().json()
        route.fulfill(json=told | {"doubt": "This may be somebody else."})

    page.route("**/others", doubt)
    drop_all(page, [front, back])
    until_there(page, 1)
    page.wait_for_selector("#message:not([hidden])")
    assert page.locator("#message-text").inner_text() == "5.png: This may be somebody else."


def test_no_more_are_taken_than_the_server_takes(page: Page):
    first, *more = photos(9, 5, 2, 1, 4, 6, 7, 8, 10)
    drop_all(page, [first, more[0]])
    until_there(page, 1)
    page.set_input_files(
        "#other-file", [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in more[1:]]
    )
    page.wait_for_selector("#message:not([hidden])")
    assert page.locator("#message-text").inner_text() == f"{MOST} photos of one person are the most, so 1 was left out."
    assert len(names(page)) == MOST - 1
    assert page.locator("#others .button").is_hidden()
    page.click("#confirm")
    page.click("[data-sequence=walk-left]")
    shown = until_changed(page, picture(page))
    until_changed(page, shown)
    assert page.locator("#gif-note").inner_text().startswith(f"Walk left, by vivid, from {MOST} photos: ")
    page.get_by_role("button", name="Remove photo 4").click()
    assert page.locator("#others .button").is_visible()
    assert page.locator("[data-sequence=walk-left]").get_attribute("aria-pressed") == "true"  # it goes on


def test_another_photo_is_put_first_and_its_joints_are_mended(page: Page):
    asked: list[dict] = []
    page.on("request", lambda sent: asked.append(sent.post_data_json) if sent.url.endswith("/api/in-photo") else None)
    front, back = photos(9, 5)
    drop_all(page, [front, back])
    until_there(page, 1)
    page.click("#confirm")
    page.click("[data-pose=back]")
    until_rested(page)
    first = asked[-1]
    page.get_by_role("button", name="Put photo 2 first").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#live').textContent === 'That photo comes first now.'")
    until_rested(page)
    assert (asked[-1]["photo"], asked[-1]["others"]) == (first["others"][0], [first["photo"]])
    assert page.evaluate("() => document.activeElement.ariaLabel") == "Put photo 2 first"
    assert abs(first["pose"][4][1] - asked[-1]["pose"][4][1]) < 25  # a wrist: the pose has stayed
    page.click("#place")
    page.wait_for_selector("body[data-step=joints]")
    page.click("#swap")
    drawn = page.locator("#other-photos svg").inner_html()
    page.get_by_role("button", name="Put photo 2 first").click()  # with its joints as they are now
    page.wait_for_function("old => document.querySelector('#other-photos svg').innerHTML !== old", arg=drawn)
    assert page.locator("body").get_attribute("data-step") == "joints"
    page.click("#confirm")
    until_rested(page)
    assert (asked[-1]["photo"], asked[-1]["others"]) == (first["photo"], first["others"])


class TestPhone:
    @pytest.fixture
    def options(self):
        return {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

    def test_a_refusal_is_seen_where_the_photo_was_added(self, page: Page):
        front, back = photos(9, 5)
        drop_all(page, [front, back])
        until_there(page, 1)
        page.locator("#others").scroll_into_view_if_needed()
        page.set_input_files("#other-file", [{"name": "a.png", "mimeType": "image/png", "buffer": b"nothing"}])
        page.wait_for_selector("#message:not([hidden])")
        box = page.locator("#message").bounding_box()
        assert 0 <= box["y"] < 844 - box["height"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
