"""Step 7: warping brings the source closer to the target, the loss terms say what the page says, its links hold."""

import re
from pathlib import Path

import pytest
from PIL import Image
from step7_pictures import JUDGED, SHOWN, TERMS, Pairs, bundled_model, difference, loss_table, main, render_pairs, skips

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "learning_path"


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return render_pairs(12)


def test_warped_skips_are_closer_to_the_target(pairs: Pairs) -> None:
    plain, parts, best = (difference(photos, pairs).mean().item() for photos in skips(pairs, still=True).values())
    assert best < parts < 0.8 * plain
    assert difference(pairs.batch.target_image, pairs).max() == 0


def test_loss_terms_say_what_the_page_says(pairs: Pairs) -> None:
    model = bundled_model(None)
    pair = pairs.batch[slice(SHOWN, SHOWN + 1)]
    table = {name: values for name, (_, values) in loss_table(model, pair, pairs.strangers[SHOWN, None]).items()}
    assert {key for values in table.values() for key in values} == TERMS.keys() - {"g_perceptual"}
    assert table["the target"]["g_pixel"] == table["the target"]["g_nearest"] == 0
    # What lies a pixel aside: less wrong to the nearest neighbour than a blur, though not to the pixels.
    aside, blurred = table["1 pixel aside"], table["blurred"]
    assert aside["g_nearest"] / aside["g_pixel"] < 0.8 * blurred["g_nearest"] / blurred["g_pixel"]
    assert table["generated"]["g_pixel"] < table["the source"]["g_pixel"]


def test_the_program_runs(
    pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("step7_pictures.render_pairs", lambda: pairs)
    assert len(pairs.batch) < JUDGED
    assert main(["--steps", "1", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "nearest neighbour" in said
    for name in ("conditions", "skips", "losses"):
        with Image.open(tmp_path / f"step7_{name}.png") as picture:
            assert picture.width > 600
    assert main(["--features", str(tmp_path / "none.pth"), "--out", str(tmp_path)]) == 2
    assert "none.pth is missing" in capsys.readouterr().err


def test_the_pages_links_hold_and_its_pictures_are_small() -> None:
    for page in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert "://" in target or (FOLDER / target).exists(), f"{page.name}: {target}"
    pictures = list((FOLDER / "images").iterdir())
    assert len(pictures) == 3
    assert sum(path.stat().st_size for path in pictures) < 200_000


def test_every_step_is_in_the_readme_with_its_command() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for program in FOLDER.glob("step*.py"):
        assert f"python examples/learning_path/{program.name}" in readme
