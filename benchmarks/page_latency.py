"""Measures what a user of the page feels: the time from a drag event to the new picture, in chromium.

    python benchmarks/page_latency.py [--seconds 10] [--weights posegan-synthetic ...] [--page DIR] [--out OUT.json]

It starts `posegan serve` with each of the weights in turn, which may be an ONNX export, drags a wrist in circles, and
reads the marks that the page sets: from the event's time stamp to the moment the picture is drawn. First slowly, each
event after the last picture was seen; then as a fast hand does, 60 events a second, so that each picture waits for
the one before it, and events that a newer one overtakes have none.
--page: also a folder that `posegan export --web` wrote, where the browser runs the model itself.
Needs chromium and playwright. The machine's load is recorded, as it decides the result: compare what one run measured.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import math
import os
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from posegan.hardware import processor_name
from tests.app.serving import serving
from tests.browser.conftest import FLAGS
from tests.browser.hands import joint

Marks = list[dict[str, float]]


def drag_in_circles(page: Page, seconds: float, *, hasty: bool) -> Marks:
    """Return for every picture the milliseconds from the event to the screen and those that the model took.

    hasty: 60 events a second, whether there are pictures or not.
    """
    x, y = joint(page, "right_wrist")
    page.evaluate("() => performance.clearMeasures()")
    page.mouse.move(x, y)
    page.mouse.down()
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        before = 0 if hasty else page.evaluate("() => performance.getEntriesByType('measure').length")
        angle = 2 * math.pi * passed / 2.5
        page.mouse.move(x - 60 + 60 * math.cos(angle), y - 60 * math.sin(angle))
        if hasty:
            time.sleep(max(0.0, 1 / 60 - (time.perf_counter() - start - passed)))
        else:
            page.wait_for_function("n => performance.getEntriesByType('measure').length > n", arg=before)
    page.mouse.up()
    page.wait_for_timeout(500)
    marks = "() => performance.getEntriesByType('measure').map((m) => ({felt: m.duration, model: m.detail}))"
    found: Marks = page.evaluate(marks)
    return found


def summary(found: Marks, seconds: float) -> dict[str, float]:
    felt, model = ([row[key] for row in found] for key in ("felt", "model"))
    return {
        "pictures": len(found),
        "pictures_per_second": round(len(found) / seconds, 1),
        "event_to_picture_median_ms": round(statistics.median(felt), 1),
        "event_to_picture_p90_ms": round(statistics.quantiles(felt, n=10)[-1], 1),
        "model_median_ms": round(statistics.median(model), 1),
    }


def measure(address: str, seconds: float) -> dict[str, dict[str, float]]:
    """Return how long a drag takes on the page at an address, with one event at a time and with sixty a second."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.wait_for_selector(".result .time:not(:empty)", timeout=120_000)
        drag_in_circles(page, 2, hasty=False)  # warm
        slow, fast = (drag_in_circles(page, seconds, hasty=hasty) for hasty in (False, True))
        browser.close()
    return {"one_event_at_a_time": summary(slow, seconds), "sixty_events_a_second": summary(fast, seconds)}


@contextlib.contextmanager
def shown(folder: str) -> Iterator[str]:
    """Serve an exported page on a free port and yield its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--weights", nargs="+", default=["posegan-synthetic"])
    parser.add_argument("--page")
    parser.add_argument("--out")
    chosen = parser.parse_args()
    before, measured = os.getloadavg()[0], {}
    for weights in chosen.weights:
        with serving("--weights", weights) as address:
            measured[Path(weights).name] = measure(address, chosen.seconds)
    if chosen.page:
        with shown(chosen.page) as address:
            measured["in the browser"] = measure(address, chosen.seconds)
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "measured": measured,
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_before": round(before, 1),
        "load_after": round(os.getloadavg()[0], 1),
        "machine": processor_name(),
    }
    print(json.dumps(result, indent=2))
    if chosen.out:
        Path(chosen.out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
