"""A recording shows what the commands printed, and is an SVG that plays by itself."""

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.recording import as_svg, record

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def texts(svg: str) -> str:
    return "\n".join(element.text or "" for element in ElementTree.fromstring(svg).iter() if element.text)


def test_a_command_is_shown_with_what_it_printed() -> None:
    svg = as_svg(record(["filot-ocr --version"], {}))

    assert "filot-ocr --version" in texts(svg)
    assert re.search(r"filot-ocr \d+\.\d+\.\d+", texts(svg))
    assert "infinite" in svg


def test_a_command_that_fails_is_not_recorded() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        record(["filot-ocr no-such-command"], {})


def test_what_is_printed_is_text() -> None:
    svg = as_svg(record(["filot-ocr read --help"], {}))

    assert "<script" not in svg
    assert "read" in texts(svg)


def test_the_recording_of_the_readme_lasts_ten_seconds_or_so() -> None:
    svg = (PICTURES / "terminal.svg").read_text()

    (seconds,) = set(re.findall(r"animation: \S+ ([\d.]+)s", svg))
    assert 8 <= float(seconds) <= 12
    assert "filot-ocr read" in texts(svg)
