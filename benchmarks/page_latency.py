"""Measures what a user of the page feels: the time from a drag event to the new picture, in chromium.

    python benchmarks/page_latency.py [--seconds 10] [--weights posegan-synthetic] [OUT.json]

It starts `posegan serve`, drags a wrist in circles at 60 events a second, and reads the marks that the page sets: from
the event's time stamp to the moment the picture is drawn. Events that a newer one overtook have no picture and do not
count. Needs chromium and playwright. The machine's load is recorded, as it decides the result.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.app.serving import serving
from tests.browser.conftest import FLAGS
from tests.browser.hands import joint


def drag_in_circles(page: Page, seconds: float) -> list[dict[str, float]]:
    """Return for every picture the milliseconds from the event to the screen and those that the model took."""
    x, y = joint(page, "right_wrist")
    page.evaluate("() => performance.clearMeasures()")
    page.mouse.move(x, y)
    page.mouse.down()
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        angle = 2 * math.pi * passed / 2.5
        page.mouse.move(x - 60 + 60 * math.cos(angle), y - 60 * math.sin(angle))
        time.sleep(max(0.0, 1 / 60 - (time.perf_counter() - start - passed)))
    page.mouse.up()
    page.wait_for_timeout(500)
    marks = "() => performance.getEntriesByType('measure').map((m) => ({felt: m.duration, model: m.detail}))"
    return page.evaluate(marks)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--weights", default="posegan-synthetic")
    parser.add_argument("out", nargs="?")
    chosen = parser.parse_args()
    before = os.getloadavg()[0]
    with serving("--weights", chosen.weights) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.wait_for_selector(".result .time:not(:empty)", timeout=120_000)
        drag_in_circles(page, 2)  # warm
        found = drag_in_circles(page, chosen.seconds)
        browser.close()
    felt, model = ([row[key] for row in found] for key in ("felt", "model"))
    result = {
        "weights": chosen.weights,
        "pictures": len(found),
        "pictures_per_second": round(len(found) / chosen.seconds, 1),
        "event_to_picture_ms": {
            "median": round(statistics.median(felt), 1),
            "p90": round(statistics.quantiles(felt, n=10)[-1], 1),
        },
        "of_which_model_ms": round(statistics.median(model), 1),
        "cpus": os.cpu_count(),
        "load_before": round(before, 1),
        "machine": platform.processor() or platform.machine(),
    }
    print(json.dumps(result, indent=2))
    if chosen.out:
        Path(chosen.out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
