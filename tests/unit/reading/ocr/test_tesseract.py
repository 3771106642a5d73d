import os
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytesseract
import pytest

from service.errors import EngineError, SettingsError
from service.reading.ocr.card_detection import is_card_shaped
from service.reading.ocr.engine import Engine, Image, Page
from service.reading.ocr.geometry import turn_page
from service.reading.ocr.loading import load_engine
from service.reading.ocr.tesseract import normalize_background, text_lines
from tests.unit.reading.ocr.test_card_detection import SLANTED, on_table


def words(*rows: tuple[int, str, float, int, int]) -> dict[str, list[object]]:
    """Tesseract's table: line, text, confidence in percent, left and right; each word is 20 pixels high."""
    table = [
        {
            "level": 5,
            "block_num": 1,
            "par_num": 1,
            "line_num": line,
            "left": left,
            "top": 30 * line,
            "width": right - left,
            "height": 20,
            "conf": confidence,
            "text": text,
        }
        for line, text, confidence, left, right in rows
    ]
    return {key: [row[key] for row in table] for key in table[0]}


def program(folder: Path, text: str) -> str:
    """A program that stands where tesseract would."""
    file = folder / "tesseract"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(stat.S_IRWXU)
    return str(file)


def test_words_of_a_line_are_joined_and_columns_stay_apart() -> None:
    table = words(
        (1, "Nama", 90, 10, 70),
        (1, "RATNA", 80, 200, 280),
        (1, "DEWI", 60, 290, 340),
        (2, "Agama", 95, 10, 80),
    )

    lines = list(text_lines(table))

    assert [line.text for line in lines] == ["Nama", "RATNA DEWI", "Agama"]
    assert (lines[1].left, lines[1].top, lines[1].right, lines[1].bottom) == (200, 30, 340, 50)
    assert lines[1].confidence == pytest.approx((0.8 * 5 + 0.6 * 4) / 9)


def test_blank_words_are_no_text() -> None:
    assert list(text_lines(words((1, " ", 95, 10, 70)))) == []


def test_uneven_light_becomes_even_paper() -> None:
    light = np.linspace(60, 250, 1000)[None, :]
    page = np.asarray(np.broadcast_to(light, (640, 1000)), np.uint8).copy()
    page[300:310, 100:900] //= 3

    flat = normalize_background(page)

    paper = np.delete(flat, np.s_[280:330], axis=0)
    assert paper.min() > 235
    assert flat[302:308, 110:890].max() < 130


@pytest.mark.programs("tesseract")
def test_a_page_is_read_with_boxes_and_confidences(form: Image, form_text: list[str]) -> None:
    engine: Engine = load_engine("tesseract")

    page = engine.read(Page(form))

    assert [line.text for line in page.lines] == form_text
    assert all(0.5 < line.confidence <= 1 for line in page.lines)
    assert (engine.name, page.device) == ("tesseract", "cpu")
    assert os.environ["OMP_THREAD_LIMIT"] == "1"


@pytest.mark.programs("tesseract")
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_card_is_read_whichever_way_it_lies(form: Image, form_text: list[str], turns: int) -> None:
    page = load_engine("tesseract").read(Page(turn_page(form, turns)))

    assert [line.text for line in page.lines] == form_text
    assert page.image.shape == form.shape


@pytest.mark.programs("tesseract")
def test_a_card_on_a_table_is_read_as_if_scanned(form: Image) -> None:
    page = load_engine("tesseract").read(Page(on_table(form, SLANTED)))

    assert is_card_shaped(page.image)
    assert {"RATNA DEWI KUSUMA", "JALAN MERPATI NOMOR 17"} <= {line.text for line in page.lines}


@pytest.mark.programs("tesseract")
def test_a_blank_page_has_no_lines() -> None:
    page = load_engine("tesseract").read(Page(np.full((640, 1000), 255, np.uint8)))

    assert page.lines == ()


def test_a_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", str(tmp_path / "tesseract"))

    with pytest.raises(SettingsError, match="apt-get install tesseract-ocr tesseract-ocr-ind") as caught:
        load_engine("tesseract")

    assert "\n" not in str(caught.value)


def test_a_missing_language_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only_english = program(
        tmp_path,
        'case "$1" in\n--version) echo "tesseract 5.3.0" ;;\n'
        '*) echo "List of available languages (1):"; echo eng ;;\nesac',
    )
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", only_english)

    with pytest.raises(SettingsError, match="its language ind is missing"):
        load_engine("tesseract")


@pytest.mark.parametrize(
    "script",
    ["echo no version", "echo tesseract 3.02", "exit 3", "printf '\\377\\376'", "true"],
)
def test_a_program_that_is_not_tesseract_is_one_sentence(
    script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with pytest.raises(SettingsError, match="does not answer --version as Tesseract") as caught:
        load_engine("tesseract")

    assert "\n" not in str(caught.value)


def test_a_version_that_an_earlier_program_gave_says_nothing_about_the_present_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pytesseract.get_tesseract_version, "_result", "5.3.0")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SettingsError, match="the program is missing"):
        load_engine("tesseract")


@pytest.mark.programs("tesseract")
def test_a_program_that_breaks_is_an_engine_error_and_leaves_no_picture_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: Image
) -> None:
    engine = load_engine("tesseract")
    broken = program(tmp_path, "echo 'cannot allocate memory' >&2; exit 3")
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", broken)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with pytest.raises(EngineError, match="tesseract failed"):
        engine.read(Page(form))

    assert [file.name for file in tmp_path.iterdir()] == ["tesseract"]
