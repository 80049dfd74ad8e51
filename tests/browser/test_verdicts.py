"""What is said of the pictures under them: when a pose has come to rest, and only of that pose."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

import pytest

pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install 'posegan[browser]'")

from playwright.sync_api import Page, Route

from tests.browser.hands import drag_joint, drop, hold_joint, until_changed, until_quiet

pytestmark = pytest.mark.browser

REST = 350  # milliseconds that a pose has to stay


def verdict(page: Page, model: int = 0) -> list[str]:
    return page.locator(".result .verdict").nth(model).locator("span").all_inner_texts()


def until_judged(page: Page, words: str = "", model: int = 0) -> list[str]:
    look = """([model, words]) => {
        const found = document.querySelectorAll('.result .verdict')[model];
        return found?.children.length > 0 && found.textContent.includes(words);
    }"""
    page.wait_for_function(look, arg=[model, words])
    return verdict(page, model)


def answer(page: Page, say: Callable[[dict], str | None]) -> list[dict]:
    """Answer /api/judge in the place of the server with a sentence, or with a refusal; returns what was asked."""
    asked: list[dict] = []

    def judge(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "{}"))
        sentence = say(asked[-1])
        if sentence is None:
            route.fulfill(status=404, json={"error": "This photo is no longer here: drop it again."})
        else:
            route.fulfill(json={"sentences": [sentence]})

    page.route("**/api/judge", judge)
    return asked


def test_a_picture_at_rest_is_judged_by_the_server(page: Page):
    (said,) = until_judged(page)  # the embedding that tells people apart is not for weights of synthetic people
    assert re.fullmatch(r"pose: (as asked|doubtful|not as asked) \(.+\)", said)
    assert page.locator(".result .verdict").first.get_attribute("aria-live") == "polite"
    page.click("[data-pose=arms-up]")
    assert verdict(page) == []
    assert until_judged(page)[0].startswith("pose: ")


def test_a_verdict_goes_when_a_joint_moves_and_comes_when_it_rests(page: Page):
    asked = answer(page, lambda _: "judged by nobody")
    drag_joint(page, "left_wrist", 5, -20)
    assert until_judged(page, "by nobody") == ["judged by nobody"]
    count = len(asked)
    hold_joint(page, "right_wrist", -20, -60)
    page.wait_for_timeout(2 * REST)
    assert (verdict(page), len(asked)) == ([], count)  # a drag is no rest, however long it takes
    page.mouse.up()
    until_judged(page, "by nobody")
    assert len(asked) == count + 1
    wrist = asked[-1]["pose"][4]
    assert asked[-1]["model"] == "vivid"
    assert wrist != asked[0]["pose"][4]


def test_a_late_verdict_on_another_pose_is_not_shown(page: Page):
    held: list[Route] = []
    until_judged(page)
    page.route("**/api/judge", lambda route: held.append(route))
    page.click("[data-pose=arms-up]")
    page.wait_for_timeout(2 * REST)
    assert len(held) == 1
    page.click("[data-pose=sitting]")
    page.wait_for_timeout(2 * REST)
    assert len(held) == 2
    held[1].fulfill(json={"sentences": ["of sitting"]})
    until_judged(page, "of sitting")
    held[0].fulfill(json={"sentences": ["of arms up"]})
    page.wait_for_timeout(300)
    assert verdict(page) == ["of sitting"]


def test_no_verdict_is_no_fault(page: Page):
    asked = answer(page, lambda _: None)
    page.click("[data-pose=arms-up]")
    before = until_quiet(page)
    assert asked
    assert verdict(page) == []
    assert page.locator("#message").is_hidden()
    page.click("[data-pose=sitting]")
    until_changed(page, before)


def test_every_model_is_judged_on_its_own(page: Page):
    asked = answer(page, lambda wanted: f"of {wanted['model']}")
    page.locator("#models input:not(:checked)").check()
    assert until_judged(page, "of vivid", 0) == ["of vivid"]
    assert until_judged(page, "of posegan-synthetic", 1) == ["of posegan-synthetic"]
    assert [wanted["model"] for wanted in asked[-2:]] == ["vivid", "posegan-synthetic"]


def test_nothing_is_judged_while_a_motion_plays_or_joints_are_placed(page: Page):
    until_judged(page)
    asked = answer(page, lambda _: "judged by nobody")
    page.click("[data-sequence=walk-left]")
    page.wait_for_timeout(3 * REST)
    assert (verdict(page), asked) == ([], [])
    page.click("[data-sequence=walk-left]")
    page.click("#place")
    drag_joint(page, "right_wrist", -5, -5)
    page.wait_for_timeout(3 * REST)
    assert len(asked) <= 1  # at most the pose that stood there before
    count = len(asked)
    page.click("#confirm")
    until_judged(page, "by nobody")
    assert len(asked) == count + 1


def test_what_was_said_of_one_photo_is_not_said_of_the_next(page: Page):
    until_judged(page)
    image = page.evaluate("document.querySelector('#photo').toDataURL('image/png').split(',')[1]")
    drop(page, "me.png", "image/png", base64.b64decode(image))
    page.wait_for_selector("body[data-step=joints]")
    assert page.locator(".verdict:visible").count() == 0
    answer(page, lambda _: "of the new photo")
    page.click("#confirm")
    assert until_judged(page, "of the new photo") == ["of the new photo"]
