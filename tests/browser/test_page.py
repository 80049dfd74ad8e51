"""The page in chromium: what a user can do on it, with mouse, keyboard and finger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install 'posegan[browser]'")

from PIL import Image, ImageChops

from posegan.images import png_bytes
from tests.app.conftest import picture as photo_file
from tests.app.serving import serving
from tests.small_world import photo as person
from tests.small_world import standing

from .hands import (
    drag,
    drag_joint,
    drop,
    drop_placed,
    find_in_box,
    joint,
    picture,
    pixels,
    place,
    straight,
    touch,
    two_people,
    until_changed,
    until_quiet,
    until_shown,
)

pytestmark = pytest.mark.browser


def test_a_dragged_wrist_changes_the_picture_and_undo_brings_it_back(page):
    before, start, elbow = until_quiet(page), place(page, "right_wrist"), place(page, "right_elbow")
    other = place(page, "left_wrist")
    drag_joint(page, "right_wrist", -50, -160)
    after = until_changed(page, before)
    assert ImageChops.difference(pixels(before), pixels(after)).getbbox() is not None
    moved = place(page, "right_wrist")
    assert moved[0] < start[0]
    assert moved[1] < start[1] - 20
    assert place(page, "right_elbow") != elbow  # the arm came along
    assert place(page, "left_wrist") == other
    after = until_quiet(page)
    page.keyboard.press("Control+z")
    until_shown(page, before)
    assert place(page, "right_wrist") == start
    page.keyboard.press("Control+Shift+z")
    until_shown(page, after)
    assert place(page, "right_wrist") == moved
    page.click("#undo")
    until_shown(page, before)
    assert page.locator("#undo").is_disabled()


def test_without_whole_limbs_a_joint_moves_alone(page):
    elbow, wrist = place(page, "right_elbow"), place(page, "right_wrist")
    page.uncheck("#limbs")
    drag_joint(page, "right_elbow", -40, 0)
    assert place(page, "right_elbow") != elbow
    assert place(page, "right_wrist") == wrist


def test_a_bone_turns_its_limb_and_the_torso_moves_the_person(page):
    knee, ankle, hip = (joint(page, f"left_{part}") for part in ("knee", "ankle", "hip"))
    middle = ((knee[0] + ankle[0]) / 2, (knee[1] + ankle[1]) / 2)
    still = place(page, "left_knee")
    drag(page, middle, (middle[0] + 60, middle[1]))
    assert place(page, "left_knee") == still
    assert joint(page, "left_ankle")[0] > ankle[0] + 60
    shoulder = joint(page, "right_shoulder")
    nose = joint(page, "nose")
    inside = ((hip[0] + 2 * shoulder[0]) / 3 + 6, (hip[1] + 2 * shoulder[1]) / 3)
    drag(page, inside, (inside[0] + 20, inside[1] + 10))
    assert joint(page, "nose") == pytest.approx((nose[0] + 20, nose[1] + 10), abs=0.5)
    assert joint(page, "left_hip") == pytest.approx((hip[0] + 20, hip[1] + 10), abs=0.5)


def test_a_limb_that_is_turned_or_carried_stays_in_the_picture(page):
    frame = page.locator(".result .frame").bounding_box()
    shoulder, elbow = joint(page, "left_shoulder"), joint(page, "left_elbow")
    upper = ((shoulder[0] + elbow[0]) / 2, (shoulder[1] + elbow[1]) / 2)
    drag(page, upper, (shoulder[0] + 300, shoulder[1]))  # the arm would reach out of the picture
    right = frame["x"] + frame["width"]
    assert right - 12 < joint(page, "left_wrist")[0] <= right
    assert joint(page, "left_wrist")[1] > shoulder[1] + 20
    before = joint(page, "left_elbow")
    drag(page, before, (before[0] + 40, before[1] - 60))
    assert joint(page, "left_elbow")[1] == pytest.approx(before[1] - 60, abs=1)
    assert right - 12 < joint(page, "left_wrist")[0] <= right


def test_a_person_dragged_away_stays_half_in_the_picture_and_covers_no_control(page):
    hip, shoulder = joint(page, "left_hip"), joint(page, "right_shoulder")
    inside = ((hip[0] + 2 * shoulder[0]) / 3 + 6, (hip[1] + 2 * shoulder[1]) / 3)
    button = page.locator(".person >> nth=0").bounding_box()
    drag(page, inside, (button["x"] + 20, button["y"] + 20), 12)
    frame = page.locator(".result .frame").bounding_box()
    torso = page.locator(".torso").bounding_box()
    assert torso["x"] + torso["width"] / 2 == pytest.approx(frame["x"] + frame["width"], rel=0.03)
    taken = """() => [...document.querySelectorAll('aside button, .bar button')].filter((e) => {
        const { left, top, width, height } = e.getBoundingClientRect();
        return document.elementFromPoint(left + width / 2, top + height / 2)?.closest('#editor');
    }).length"""
    assert page.evaluate(taken) == 0
    x, y = joint(page, "left_elbow")
    handle = "([x, y]) => document.elementFromPoint(x, y)?.closest('.joint')?.dataset.name ?? null"
    assert (x < frame["x"] + frame["width"] + 36) == (page.evaluate(handle, [x, y]) is not None)


def test_escape_ends_a_drag_where_it_began(page):
    start = place(page, "left_wrist")
    x, y = joint(page, "left_wrist")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y - 60)
    assert place(page, "left_wrist") != start
    page.keyboard.press("Escape")
    page.mouse.up()
    assert place(page, "left_wrist") == start
    assert page.locator("#undo").is_disabled()


def test_a_double_click_hides_and_shows_a_joint(page):
    start = place(page, "left_wrist")
    page.mouse.dblclick(*joint(page, "left_wrist"))
    assert place(page, "left_wrist") is None
    page.mouse.dblclick(*joint(page, "left_wrist"))
    assert place(page, "left_wrist") == start


def test_what_changes_nothing_is_not_undone(page):
    page.click("#reset")
    x, y = joint(page, "left_wrist")
    drag(page, (x, y), (x, y))
    assert page.locator("#undo").is_disabled()


def test_the_keyboard_reaches_every_joint_and_moves_it(page):
    page.locator("#place").focus()
    names = []
    for _ in range(18):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.dataset.name"))
    assert len(set(names)) == 18
    page.locator(".joint[data-name=left_elbow]").focus()
    before, (x, y) = until_quiet(page), place(page, "left_elbow")
    page.keyboard.press("ArrowRight")
    assert place(page, "left_elbow") == (x + 1, y)
    page.keyboard.press("Shift+ArrowUp")
    assert place(page, "left_elbow") == (x + 1, y - 5)
    assert page.locator("#live").text_content() == f"Left elbow at {x + 1}, {y - 5}"
    until_changed(page, before)
    page.keyboard.press("Delete")
    assert place(page, "left_elbow") is None
    assert page.locator("#selected").text_content() == "Left elbow: hidden"
    page.click("#hide")
    assert place(page, "left_elbow") == (x + 1, y - 5)
    for _ in range(3):
        page.keyboard.press("Control+z")
    page.wait_for_timeout(50)
    assert place(page, "left_elbow") == (x, y)


def test_the_pose_library_mirror_swap_and_reset(page):
    before, nose = until_quiet(page), place(page, "nose")
    page.click("[data-pose=arms-up]")
    raised = until_changed(page, before)
    assert place(page, "right_wrist")[1] < place(page, "right_shoulder")[1]
    hands = place(page, "left_wrist"), place(page, "right_wrist")
    page.click("#swap")
    assert (place(page, "right_wrist"), place(page, "left_wrist")) == hands
    page.click("#swap")
    page.click("#mirror")
    until_changed(page, raised)
    page.click("#mirror")
    assert place(page, "left_wrist") == pytest.approx(hands[0], abs=1)
    page.click("#reset")
    until_shown(page, before)
    assert place(page, "nose") == nose


def test_a_joint_of_the_list_is_hidden_and_shown(page):
    before = until_quiet(page)
    page.click("summary")
    page.get_by_label("Right wrist", exact=True).last.uncheck()
    assert place(page, "right_wrist") is None
    hidden = until_changed(page, before)
    page.get_by_label("Right wrist", exact=True).last.check()
    until_shown(page, before)
    assert hidden != before


def test_an_own_photo_is_placed_by_hand_then_posed_and_downloaded(page, tmp_path):
    drop(page, "me.png", "image/png", photo_file((300, 500)))
    page.wait_for_selector("body[data-step=joints]")
    assert "Place the joints on the person." in page.locator("#joints-hint").inner_text()
    assert "place them by hand" in page.locator("#message-text").inner_text()  # nobody is in that picture
    start = joint(page, "nose"), joint(page, "left_ankle")
    box = page.locator(".corner .square").nth(2).bounding_box()
    drag(page, (box["x"] + 5, box["y"] + 5), (box["x"] - 60, box["y"] - 20))
    assert joint(page, "left_ankle")[0] < start[1][0] - 20
    drag_joint(page, "right_wrist", -30, 10)
    page.keyboard.press("Control+z")
    page.click("#confirm")
    page.wait_for_selector("body[data-step=pose]")
    before = until_quiet(page)
    drag_joint(page, "left_wrist", 40, -150)
    until_changed(page, before)
    with page.expect_download() as download:
        page.click("#download")
    file = tmp_path / "picture.png"
    download.value.save_as(file)
    made = Image.open(file)
    assert made.size == (64, 128)
    assert "AI-generated" in made.text["Description"]
    assert len(made.text["posegan:source"]) == 64
    with page.expect_download() as download:
        page.click("#download-pose")
    file = tmp_path / "pose.json"
    download.value.save_as(file)
    (person,) = json.loads(file.read_text())["people"]
    assert len(person["pose_keypoints_2d"]) == 54
    page.click("#place")  # and back, to mend the joints
    page.wait_for_selector("body[data-step=joints]")


def test_files_are_named_after_the_photo_the_pose_and_the_model(page):
    def saved(control: str) -> str:
        with page.expect_download() as download:
            page.click(control)
        return download.value.suggested_filename

    assert saved("#download") == "person-pose-vivid.png"
    assert page.locator("#picture-size").inner_text() == "64 × 128"
    page.click("[data-pose=arms-up]")
    assert saved("#download") == "person-arms-up-vivid.png"
    assert saved("#download-pose") == "person-arms-up.json"
    page.click("[data-sequence=walk-left]")
    assert saved("#download-gif") == "person-walk-left-vivid.gif"


def test_an_openpose_file_places_the_joints_or_poses_the_person(page):
    joints = [[60 + 10 * (i % 5), 20 + 15 * i, 1] for i in range(18)]
    file = json.dumps({"people": [{"pose_keypoints_2d": [n for row in joints for n in row]}]}).encode()
    drop(page, "me.png", "image/png", photo_file((300, 400)))
    page.wait_for_selector("body[data-step=joints]")
    page.set_input_files("#joints-file", {"name": "me.json", "mimeType": "application/json", "buffer": file})
    page.wait_for_function("() => document.querySelector('.joint[data-name=nose]').ariaLabel.endsWith('at 60, 20')")
    page.click("#confirm")
    page.wait_for_selector("body[data-step=pose]")
    before = until_quiet(page)
    page.click("[data-pose=sitting]")
    until_changed(page, before)
    drop(page, "other.json", "application/json", file)
    page.wait_for_function("() => document.querySelector('#live').textContent === 'The pose is loaded.'")


def test_of_two_people_in_a_photo_the_one_in_the_box_is_found(page):
    scene, wanted = two_people()
    drop(page, "two.png", "image/png", scene)
    page.wait_for_selector("body[data-step=joints].joints-found")
    before = place(page, "neck")
    assert before is not None
    assert before[0] < 300  # the tall one is taken
    find_in_box(page, 430, 160, 560, 380)
    page.wait_for_function("() => !document.body.classList.contains('busy')")
    found = [place(page, name) for name in ("neck", "right_ankle")]
    for seen, number in zip(found, (1, 10), strict=True):
        assert seen == pytest.approx(wanted.xy[number].tolist(), abs=8)
    page.keyboard.press("Control+z")
    assert place(page, "neck") != found[0]
    page.keyboard.press("Control+Shift+z")
    page.click("#confirm")
    page.wait_for_selector("body[data-step=pose]")
    assert place(page, "neck") == found[0]


def test_a_box_without_anybody_is_told_and_the_joints_stay(page):
    drop(page, "wall.png", "image/png", photo_file((300, 300)))
    page.wait_for_selector("body[data-step=joints]")
    before = place(page, "neck")
    page.click("#find")
    page.wait_for_function("() => document.querySelector('#message-text').textContent.includes('found in the box')")
    assert place(page, "neck") == before


def test_of_two_people_chosen_the_last_one_is_shown_whichever_answers_first(page):
    held, before = [], until_quiet(page)
    page.route("**/api/examples/1", lambda route: held.append(route), times=1)
    page.click(".person >> nth=1")
    page.click(".person >> nth=2")
    until_changed(page, before)
    shown = until_quiet(page)
    held[0].continue_()
    page.wait_for_timeout(700)
    assert until_quiet(page) == shown


def test_a_person_chosen_while_the_joints_are_taken_over_is_not_replaced(page):
    drop(page, "me.png", "image/png", photo_file((300, 400)))
    page.wait_for_selector("body[data-step=joints]")
    held = []
    page.route("**/pose", lambda route: held.append(route), times=1)
    page.click("#confirm")
    page.click(".person >> nth=2")
    page.wait_for_selector("body[data-step=pose]")
    shown, part = until_quiet(page), page.locator("#editor").get_attribute("viewBox")
    held[0].continue_()
    page.wait_for_timeout(2500)  # longer than the poses take to be placed
    assert until_quiet(page) == shown
    assert page.locator("#editor").get_attribute("viewBox") == part  # of the photo
    assert page.locator("#message").is_hidden()
    assert page.locator("#others").is_hidden()  # it is not the own photo


@pytest.mark.parametrize(
    ("name", "kind", "data", "words"),
    [
        ("a.png", "image/png", b"nothing", "no photo that posegan reads"),
        ("a.json", "application/json", b"{}", "no OpenPose JSON"),
        ("bomb.png", "image/png", photo_file((8000, 7000), mode="1"), "million"),
    ],
    ids=["no photo", "no pose", "too large"],
)
def test_a_bad_file_is_a_sentence_in_the_page_and_the_work_goes_on(page, name, kind, data, words):
    before = until_quiet(page)
    drop(page, name, kind, data)
    page.wait_for_selector("#message:not([hidden])")
    assert words in page.locator("#message-text").inner_text()
    page.click("#message-close")
    assert page.locator("#message").is_hidden()
    drag_joint(page, "right_wrist", -40, -40)
    until_changed(page, before)


def test_a_photo_as_target_pose_needs_a_detector_and_says_so(page):
    page.set_input_files("#pose-file", {"name": "b.png", "mimeType": "image/png", "buffer": photo_file()})
    page.wait_for_selector("#message:not([hidden])")
    assert "OpenPose JSON" in page.locator("#message-text").inner_text()


def test_what_was_said_of_a_picture_goes_with_the_next_one(page):
    until_quiet(page)
    boxes = page.locator("#joint-list input")
    page.click("summary")
    for index in range(18):
        if boxes.nth(index).is_checked():
            boxes.nth(index).uncheck()
    page.wait_for_selector("#message:not([hidden])")
    assert "No joint of this pose lies in the picture" in page.locator("#message-text").inner_text()
    boxes.nth(4).check()
    page.wait_for_selector("#message", state="hidden")


def test_a_walk_plays_until_it_is_stopped(page):
    before = until_quiet(page)
    page.click("[data-sequence=walk-left]")
    first = until_changed(page, before)
    until_changed(page, first)
    assert page.locator("[data-sequence=walk-left]").get_attribute("aria-pressed") == "true"
    page.click("[data-sequence=walk-left]")
    assert page.locator("[data-sequence=walk-left]").get_attribute("aria-pressed") == "false"


def test_escape_ends_a_motion(page):
    page.click("[data-sequence=walk-left]")
    page.keyboard.press("Escape")
    assert page.locator("[data-sequence=walk-left]").get_attribute("aria-pressed") == "false"


def test_a_dragged_link_is_no_photo(page):
    prevented = """() => ["dragenter", "dragover", "drop"].map((kind) => {
        const transfer = new DataTransfer();
        transfer.setData("text/plain", "a text");
        const event = new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
        document.querySelector("#stages").dispatchEvent(event);
        return event.defaultPrevented || document.body.classList.contains("dropping");
    })"""
    assert page.evaluate(prevented) == [False, False, False]


def test_while_the_page_is_covered_nothing_below_can_be_reached(page):
    held = []
    page.route("**/api/photo", lambda route: held.append(route), times=1)
    page.focus("#photo-file")
    page.set_input_files("#photo-file", {"name": "a.png", "mimeType": "image/png", "buffer": photo_file((300, 400))})
    page.wait_for_selector("body.busy")
    assert page.locator("main").evaluate("e => e.inert")
    page.wait_for_timeout(200)
    held[0].continue_()
    page.wait_for_selector("body:not(.busy)")
    assert not page.locator("main").evaluate("e => e.inert")
    assert page.evaluate("document.activeElement.id") == "photo-file"


def test_joints_tell_whether_they_are_shown_and_controls_have_visible_edges(page):
    wrist = page.locator(".joint[data-name=left_wrist]")
    assert wrist.get_attribute("aria-pressed") == "true"
    wrist.focus()
    page.keyboard.press("Delete")
    assert wrist.get_attribute("aria-pressed") == "false"
    light, dark = (
        page.locator("#undo").evaluate(f"e => getComputedStyle(e).{name}")
        for name in ("backgroundColor", "borderTopColor")
    )
    assert contrast(light, dark) >= 3


def contrast(*colours: str) -> float:
    """Return the contrast of two CSS colours, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        shares = [int(n) / 255 for n in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


def test_models_stand_side_by_side(page):
    other = page.locator("#models input:not(:checked)")
    assert other.count() == 1
    other.check()
    page.wait_for_function("() => document.querySelectorAll('.result .time:not(:empty)').length === 2")
    until_quiet(page)
    before = [picture(page, 0), picture(page, 1)]
    assert before[0] != before[1]
    page.click("[data-pose=arms-up]")
    for model in (0, 1):
        until_changed(page, before[model], model)


def test_compare_and_onion_lay_the_photo_over_the_picture(page):
    over = page.locator(".result .over")
    assert over.evaluate("e => getComputedStyle(e).visibility") == "hidden"
    page.locator("input[value=compare]").check(force=True)
    page.locator("#share").fill("30")
    assert "70%" in over.evaluate("e => getComputedStyle(e).clipPath")
    page.locator("input[value=onion]").check(force=True)
    assert over.evaluate("e => getComputedStyle(e).opacity") == "0.3"
    assert over.evaluate("e => e.getContext('2d').getImageData(32, 64, 1, 1).data[3]") == 255  # the photo is there


def test_a_wide_screen_has_one_button_for_a_photo(page):
    assert page.locator("label[for=photo-file], label:has(#photo-file)").filter(visible=True).count() == 1


def test_every_control_has_a_name(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button:not([hidden]), input, [role=button], [role=img]')].filter((e) =>
            !(e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent.trim())).map((e) => e.outerHTML)"""
    )
    assert nameless == []


class TestPhone:
    @pytest.fixture
    def options(self):
        return {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

    def test_nothing_is_wider_than_the_screen_and_a_finger_drags(self, page):
        for step in ("pose", "joints"):
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            if step == "pose":
                before = until_quiet(page)
                x, y = joint(page, "left_wrist")
                touch(page, straight((x, y), 20, -80))
                until_changed(page, before)
                assert joint(page, "left_wrist")[1] == pytest.approx(y - 80, abs=3)
                page.click("#place")
                page.wait_for_selector("body[data-step=joints]")

    def test_two_fingers_bring_joints_apart_that_lie_close(self, page):
        names = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
        page.evaluate("window.scrollTo(0, 0)")
        start = [place(page, name) for name in names]
        eye, neck = joint(page, "right_eye"), joint(page, "neck")
        apart = joint(page, "left_eye")[0] - eye[0]
        touch(page, straight(neck, 0, 130), straight(eye, 0, 0))  # each on a joint
        page.wait_for_timeout(200)
        assert [place(page, name) for name in names] == start  # nothing was dragged
        assert page.evaluate("[visualViewport.scale, scrollY]") == [1, 0]  # nor the page
        larger = joint(page, "left_eye")[0] - joint(page, "right_eye")[0]
        assert larger > 2 * apart
        dots = [page.locator(f".joint[data-name={name}] .dot").bounding_box()["width"] for name in names]
        assert max(dots) < 14  # they stay as small
        x, y = joint(page, "right_eye")
        touch(page, straight((x, y), 0, 30))
        page.wait_for_selector("#undo:enabled")
        after = [place(page, name) for name in names]
        moved = [name for name, a, b in zip(names, after, start, strict=True) if a != b]
        assert moved == ["right_eye", "right_ear"]  # the ear hangs on the eye
        assert joint(page, "right_eye") == pytest.approx((x, y + 30), abs=1)
        page.get_by_role("button", name="Whole picture").tap()
        page.wait_for_timeout(200)
        assert joint(page, "left_eye")[0] - joint(page, "right_eye")[0] == pytest.approx(apart, abs=1)
        assert page.get_by_role("button", name="Whole picture").is_hidden()

    def test_a_finger_that_holds_nothing_moves_the_larger_picture_or_scrolls_the_page(self, page):
        frame = page.locator(".result .frame").bounding_box()
        empty = (frame["x"] + 8, frame["y"] + frame["height"] - 60)
        touch(page, straight(empty, -20, 60), straight((empty[0] + 60, empty[1] - 60), 20, -60))
        page.wait_for_timeout(200)
        before, neck = place(page, "neck"), joint(page, "neck")
        touch(page, straight(empty, 30, -20))
        page.wait_for_timeout(200)
        assert place(page, "neck") == before
        assert joint(page, "neck")[1] == pytest.approx(neck[1] - 20, abs=1)
        assert page.evaluate("scrollY") == 0
        page.get_by_role("button", name="Whole picture").tap()
        touch(page, straight(empty, 0, -120))
        page.wait_for_function("scrollY > 50")

    def test_while_a_motion_is_chosen_the_picture_that_it_moves_is_in_sight(self, page):
        page.locator("[data-sequence=walk-left]").evaluate("e => e.scrollIntoView({ block: 'end' })")
        frame = page.locator(".result .frame").bounding_box()
        assert frame["y"] + frame["height"] > 150  # its legs at least

    def test_the_first_screen_takes_a_photo(self, page):
        box = page.locator("header .button").bounding_box()
        assert 0 <= box["y"] < box["y"] + box["height"] < 844
        with page.expect_file_chooser() as chooser:
            page.tap("header .button")
        chooser.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": photo_file((300, 400))})
        page.wait_for_selector("body[data-step=joints]")

    def test_the_main_controls_are_large_enough_for_a_finger(self, page):
        small = page.evaluate(
            """() => [...document.querySelectorAll('button:not(.link), .button')].filter((e) => e.offsetParent)
                .filter((e) => e.getBoundingClientRect().height < 32).map((e) => e.textContent)"""
        )
        assert small == ["✕"] or small == []


class TestDark:
    @pytest.fixture
    def options(self):
        return {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}

    def test_the_page_follows_the_systems_colours(self, page):
        back, ink = page.evaluate(
            "(() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]; })()"
        )
        assert max(map(int, back[4:-1].split(","))) < 60
        assert min(map(int, ink[4:-1].split(","))) > 200


def test_a_server_that_was_started_anew_is_given_the_photo_again(chromium, weights: Path, tmp_path: Path):
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    source = standing().resize((128, 64), (250, 125)).crop(-60, -30)
    with serving("--weights", str(weights)) as address:
        page.goto(address)
        page.wait_for_selector(".result .time:not(:empty)")
        drop_placed(page, png_bytes(person(3, source, (310, 260))), tmp_path / "me.json", source)
        page.wait_for_selector("body[data-step=pose]")
        before = until_quiet(page)
        page.wait_for_selector("#whole[aria-busy=false] img:not([hidden])")
    page.wait_for_selector("body.lost")
    page.click("[data-pose=arms-up]")
    with serving("--weights", str(weights), "--port", address.rsplit(":", 1)[1].strip("/")):
        page.wait_for_selector("body:not(.lost)")
        until_changed(page, before)
        assert page.locator("#message").is_hidden()
        page.click("#reset")
        until_shown(page, before)  # with the joints as they were placed
        page.wait_for_selector("#whole[aria-busy=false] img:not([hidden])")
        with page.expect_download():
            page.click("#download-pose")
    page.close()


def test_a_server_that_stops_is_missed_and_found_again(chromium, weights: Path):
    page = chromium.new_page()
    with serving("--weights", str(weights)) as address:
        page.goto(address)
        page.wait_for_selector(".result .time:not(:empty)")
    page.wait_for_selector("body.lost p.lost-note")
    assert "Start posegan serve again" in page.locator("p.lost-note").inner_text()
    page.mouse.wheel(0, 2000)
    page.wait_for_timeout(200)
    assert 0 <= page.locator("p.lost-note").bounding_box()["y"] < 100  # in sight wherever one is
    page.click(".person >> nth=2")
    page.wait_for_selector("#message:not([hidden])")
    assert "does not answer" in page.locator("#message-text").inner_text()
    with serving("--weights", str(weights), "--port", address.rsplit(":", 1)[1].strip("/")):
        page.wait_for_selector("body:not(.lost)")
        page.click(".person >> nth=2")
        page.wait_for_selector("#message", state="hidden")
        drag_joint(page, "right_wrist", -20, -20)
    page.close()
