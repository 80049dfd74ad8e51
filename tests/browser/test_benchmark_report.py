"""The report of a benchmark in a browser: it opens alone, sorts, filters and enlarges, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright import sync_api

from posegan.evaluation.benchmark_result import Benchmark
from tests.evaluation.conftest import STRANGE
from tests.evaluation.conftest import measured as measured

pytestmark = pytest.mark.browser

Opened = Callable[..., sync_api.Page]
COLUMN = "SSIM (paper)"


@pytest.fixture
def opened(chromium: sync_api.Browser, measured: tuple[Benchmark, Path]) -> Iterator[Opened]:
    """Open the report; whatever it logs, and every request for another file, fails the test."""
    complaints: list[str] = []
    contexts = []
    address = (measured[1] / "benchmark.html").resolve().as_uri()

    def request(url: str) -> None:
        if not url.startswith((address, "data:")):
            complaints.append(url)

    def open_page(**options: Any) -> sync_api.Page:
        chosen: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
        contexts.append(chromium.new_context(**chosen | options))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)  # the machine may be busy
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: request(asked.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def column(page: sync_api.Page, name: str = COLUMN) -> list[float | None]:
    """The numbers of a column from top to bottom, None where there is none."""
    found: list[str] = page.evaluate(
        """name => {
            const table = document.querySelector("table");
            const place = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent === name);
            return [...table.tBodies[0].rows].map((row) => row.cells[place].dataset.value);
        }""",
        name,
    )
    return [float(text) if text else None for text in found]


def test_it_loads_whole(opened: Opened, measured: tuple[Benchmark, Path]) -> None:
    page = opened()
    assert page.title() == "posegan benchmark: market"
    rows = page.locator("tbody tr")
    assert rows.count() == len(measured[0].rows) + len(measured[0].published)
    assert page.get_by_role("rowheader", name=STRANGE, exact=True).count() == 1
    for image in page.locator(".strip img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('.strip img')].every((i) => i.complete && i.naturalWidth > 0)"
    )
    assert (
        page.locator("svg circle.model").count() == 2 * 4
    )  # two models in plots of two metrics, each against two costs


def test_a_click_sorts_and_a_second_one_turns_the_order_round(opened: Opened) -> None:
    page = opened()
    before = column(page)
    button = page.get_by_role("button", name=COLUMN, exact=True)
    head = page.get_by_role("columnheader", name=COLUMN, exact=True)
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page) == sorted(before, key=lambda value: -(value or 0))  # every row has an SSIM
    assert before != column(page)
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page) == sorted(before, key=lambda value: value or 0)
    page.get_by_role("button", name="L1", exact=True).click()
    assert head.get_attribute("aria-sort") is None
    values = column(page, "L1")
    numbers = [value for value in values if value is not None]
    assert numbers == sorted(numbers)  # the best, which is the least, on top
    assert values[len(numbers) :] == [None] * (len(values) - len(numbers))  # published rows without one
    page.get_by_role("button", name="row", exact=True).click()
    names = page.locator("tbody th").all_text_contents()
    assert names.index("APS, published") < names.index("mean target") < names.index("tiny")


def test_it_works_by_keyboard(opened: Opened) -> None:
    page = opened()
    page.get_by_role("checkbox", name="cost and origin").focus()
    for expected in ("Table of scores", "row", COLUMN):
        page.keyboard.press("Tab")
        focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
        assert page.evaluate(focused) == expected
    before = column(page)
    page.keyboard.press("Enter")
    assert column(page) == sorted(before, key=lambda value: -(value or 0))
    page.get_by_role("checkbox", name="published").focus()
    page.keyboard.press("Space")
    assert page.locator("tbody tr.published:visible").count() == 0
    page.locator(".strip button").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    assert "source" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement === document.querySelector('.strip button')")


def test_rows_and_columns_can_be_hidden(opened: Opened) -> None:
    page = opened()
    rare = page.get_by_role("columnheader", name="SSIM (PG2)")
    assert rare.count() == 0  # at first
    page.get_by_text("SSIM of other papers", exact=True).click()
    assert rare.count() == 1
    page.get_by_text("photo against target", exact=True).click()
    assert page.get_by_role("columnheader", name=COLUMN, exact=True).count() == 0
    page.get_by_text("floors", exact=True).click()
    assert page.locator("tbody tr.floor:visible").count() == 0
    assert page.locator("tbody tr.model:visible").count() == 2


def test_a_phone_scrolls_the_table_and_nothing_else(opened: Opened) -> None:
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    width, table = page.evaluate("[document.documentElement.scrollWidth, document.querySelector('.wide').scrollWidth]")
    assert width == 390
    assert table > 390
    page.locator(".strip button").nth(3).tap()
    assert page.get_by_role("dialog").is_visible()
    assert page.get_by_role("dialog").bounding_box()["width"] <= 390  # type: ignore[index]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(opened: Opened, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    contrast = page.evaluate(
        """() => {
            const light = (colour) => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
                    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ground = (node) => {
                const colour = getComputedStyle(node).backgroundColor;
                return /, 0\\)$/.test(colour) ? ground(node.parentElement) : colour;
            };
            const all = {};
            for (const name of [".lead", ".hint", ".floor td", ".published td", ".best", ".model th", "summary"]) {
                const node = document.querySelector(name);
                const [a, b] = [light(getComputedStyle(node).color), light(ground(node))].sort((x, y) => y - x);
                all[name] = (a + 0.05) / (b + 0.05);
            }
            return all;
        }"""
    )
    assert min(contrast.values()) >= 4.5, contrast  # WCAG AA
