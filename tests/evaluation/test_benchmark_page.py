"""The page of a benchmark: it is whole, needs nothing else, protects names, and its plots show what they say."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from posegan.evaluation import page as module
from posegan.evaluation.benchmark_result import RANKING, Benchmark
from posegan.evaluation.columns import GROUPS, direction, group_of, grouped, number
from posegan.evaluation.exhibits import Exhibit, fixed_pairs_of, ranked_pairs_of
from posegan.evaluation.inside import flow_colours, inside
from posegan.evaluation.plots import HEIGHT, Point, _apart, scatter
from posegan.models import Output

from .conftest import STRANGE

VOID = {"meta", "link", "img", "br", "input", "circle", "line", "path"}


class Checked(HTMLParser):
    """Every tag is closed in its order; what is asked of other files and the text are kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.ids: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.asked += [found[name] or "" for name in ("src", "href", "srcset", "action") if name in found]
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag == "img":
            self.images.append(found)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="session")
def text(measured: tuple[Benchmark, Path]) -> str:
    return (measured[1] / "benchmark.html").read_text(encoding="utf-8")


def test_one_file_that_opens_no_other(text: str) -> None:
    page = Checked(text)
    assert all(asked.startswith(("data:", "#")) for asked in page.asked)
    assert {asked[1:] for asked in page.asked if asked.startswith("#")} <= set(page.ids)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text
    assert "{{" not in text
    assert all(image["alt"] for image in page.images if image.get("src"))


def test_every_row_shows_the_same_pairs_with_its_scores(text: str, measured: tuple[Benchmark, Path]) -> None:
    result = measured[0]
    alts = [image["alt"] or "" for image in Checked(text).images]
    for row in result.rows:
        for pair in fixed_pairs_of(6):
            if row.name == "real":
                continue
            scores = f"{float(row.scores[RANKING][pair]):.3f} · {float(row.scores['ssim_paper'][pair]):.3f}"
            assert f"{row.name}, pair {pair + 1}, {scores}" in alts
    for group in ("best", "median", "worst"):
        assert sum(alt.startswith(f"tiny, {group}, ") for alt in alts) == 2


def test_what_models_show_of_their_inside(text: str) -> None:
    alts = [image["alt"] or "" for image in Checked(text).images]
    for pair in fixed_pairs_of(6)[:2]:
        assert sum(f"scales of {STRANGE}, pair {pair + 1}" in alt for alt in alts) >= 1  # SD-GAN's smaller pictures
        assert sum(f"flows of tiny, pair {pair + 1}" in alt for alt in alts) == 3  # the levels of depth 2


def test_published_rows_are_labelled_and_names_are_protected(text: str) -> None:
    assert '<tr class="published"><th scope="row" data-value="APS, published"' in text
    assert 'title="APS, published: Huang et al. 2020 (APS), tables 1 and 2, over another list of pairs"' in text
    assert ">APS, published</th>" in text
    assert "over other lists of pairs" in text
    assert STRANGE not in text
    assert "a &amp; &quot;b&quot; &lt;i&gt;" in text


def test_what_is_missing_is_said(text: str) -> None:
    assert re.search(r"<summary>Not measured: IS, .*FID to targets, .*LPIPS \(Alex\)", text)
    assert "not measured: weights-inception-2015-12-05-6726825d.pth" in text


def test_pictures_are_saved_coarser_until_the_page_fits(
    measured: tuple[Benchmark, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {90: 500, 75: 400, 60: 300, 40: 200, 20: 100}
    monkeypatch.setattr(module, "page", lambda *a: "x" * sizes[a[-1]])
    for budget, size in ((1000, 500), (350, 300), (10, 100)):
        module.write_page(tmp_path / "p.html", measured[0], [], {}, {}, budget)
        assert len((tmp_path / "p.html").read_text()) == size


def test_a_page_without_models_or_published_rows(measured: tuple[Benchmark, Path]) -> None:
    result = measured[0]
    rows = [row for row in result.rows if row.kind != "model"]
    bare = Benchmark(rows, [], result.pairs, result.protocols, run=result.run)
    text = module.page(bare, [], {}, {row.name: Exhibit({}) for row in rows})
    Checked(text)
    assert "No weights were measured." in text


# --- plots


def circles(svg: str) -> list[tuple[str, float, float]]:
    found = re.findall(r'<circle class="(\w+)" cx="([\d.]+)" cy="([\d.]+)"', svg)
    return [(kind, float(x), float(y)) for kind, x, y in found]


def test_better_is_up_and_more_is_right() -> None:
    points = [Point("small", 1, 0.2, "model"), Point("large", 50, 0.4, "model"), Point("paper", 20, 0.3, "published")]
    for up in (True, False):
        (_, small_x, small_y), (_, large_x, large_y), (kind, paper_x, _) = circles(scatter(points, [], "x", "y", up))
        assert small_x < paper_x < large_x
        assert (large_y < small_y) is up
        assert kind == "published"


def test_one_point_is_a_plot_too() -> None:
    svg = scatter([Point("one", 3, 0.5, "model")], [], "x", "y", True)
    assert len(circles(svg)) == 1
    assert all(0 <= x <= 540 and 0 <= y <= HEIGHT for _, x, y in circles(svg))


@pytest.mark.parametrize("places", [[], [5.0], [5.0, 6.0, 7.0], [100.0, 240.0, 255.0, 259.0], [259.0] * 5])
def test_names_of_lines_keep_apart(places: list[float]) -> None:
    found = _apart(places, 260.0)
    assert len(found) == len(places)
    assert all(b - a >= 13 - 1e-9 for a, b in pairwise(found))
    assert all(place <= 260 for place in found)


def test_names_of_points_do_not_overlap() -> None:
    points = [
        Point(name, x, y, "model") for name, x, y in (("first", 10, 0.3), ("second", 10.5, 0.3), ("third", 11, 0.3))
    ]
    svg = scatter(points, [("floor", 0.1)], "x", "y", True)
    texts = re.findall(r'class="model-name" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">(\w+)<', svg)
    boxes = []
    for x, y, anchor, name in texts:
        width = len(name) * 6.8
        left = float(x) - {"start": 0, "middle": width / 2, "end": width}[anchor]
        boxes.append((left, left + width, float(y)))
    for i, (left, right, y) in enumerate(boxes):
        assert all(right < a or left > b or abs(y - c) >= 13 for a, b, c in boxes[:i])


# --- columns, pairs and pictures


def test_columns_have_a_group_a_direction_and_digits() -> None:
    assert grouped(["psnr", "is", "l1", "psnr"]) == {"photo against target": ["l1", "psnr"], "sets of photos": ["is"]}
    assert group_of("a new score") == "pose and person"
    assert [direction(m) for m in ("ssim_paper", "l1", "fid_targets", "lpips_alex", "is_std")] == [1, -1, -1, -1, 0]
    assert (number("l1", 0.25), number("psnr", 15.257), number("psnr", float("inf"))) == ("0.2500", "15.26", "")
    assert len({metric for group in GROUPS.values() for metric in group}) == sum(map(len, GROUPS.values()))


def test_ranked_pairs_are_by_score_best_first() -> None:
    found = ranked_pairs_of(torch.tensor([0.5, 0.1, 0.9, 0.3, 0.7, 0.2]))
    assert found["best"] == [2, 4]
    assert found["worst"] == [5, 1]


def test_a_flow_is_white_where_it_is_still_and_turns_its_hue() -> None:
    flow = torch.zeros(1, 2, 1, 4)
    flow[0, 0, 0, 1], flow[0, 0, 0, 2], flow[0, 1, 0, 3] = 1, -1, 1  # right, left, down
    still, right, left, down = flow_colours(flow)[0, :, 0].unbind(-1)
    assert still.tolist() == [1, 1, 1]
    assert right.argmax() == 0
    assert left.argmin() == 0
    assert not torch.allclose(down, right)
    torch.testing.assert_close(flow_colours(flow * 9), flow_colours(flow))


def test_inside_draws_by_the_number_of_channels() -> None:
    image = torch.zeros(2, 3, 8, 4)
    aux = {"scales": [image[..., ::2, ::2], image], "gate": [torch.rand(2, 1, 4, 2)], "codes": [torch.rand(2, 7)]}
    found = inside(Output(image, aux), (8, 4))
    assert set(found) == {"scales", "gate"} or set(found) == {"scales 1", "gate"}
    assert all(picture.shape == (2, 3, 8, 4) and picture.dtype == torch.uint8 for picture in found.values())
    gate = found["gate"]
    assert (gate.amin((1, 2, 3)) == 0).all()
    assert (gate.amax((1, 2, 3)) == 255).all()
