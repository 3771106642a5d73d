"""The demo's report is one file, complete and safe."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from bench.browser import DESK_DARK, DESK_LIGHT, PHONE_DARK, PHONE_LIGHT, Screen, opened_browser
from devstack.comparison import FieldComparison, compare_fields
from devstack.report import ReportEntry, write_report

ENTRY = ReportEntry(
    name="ktp-01-flat",
    document_type="KTP",
    level="flat",
    outcome="auto_approved",
    expected_outcome="auto_approved",
    score=90,
    device="cpu",
    milliseconds=412,
    picture=np.full((900, 1500, 3), 200, np.uint8),
    fields=compare_fields({"name": "BUNGA UTAMI"}, {"name": "BUNGA UTAMI"}, {"name": 0.98}),
)


class Outline(HTMLParser):
    """Collects tags, checks that they close in order, and keeps what attributes point to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "img"}:
            self.open_tags.append(tag)
        self.addresses += [value or "" for key, value in attrs if key in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


def written(path: Path, *entries: ReportEntry) -> str:
    write_report(path / "build" / "demo.html", entries, {"documents": str(len(entries))})
    return (path / "build" / "demo.html").read_text(encoding="utf-8")


def test_the_report_needs_nothing_from_outside(tmp_path: Path) -> None:
    outline = Outline(written(tmp_path, ENTRY))

    assert outline.open_tags == []
    assert "script" not in outline.tags
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in outline.addresses)


def test_the_overview_comes_before_the_first_card(tmp_path: Path) -> None:
    tags = Outline(written(tmp_path, ENTRY, replace(ENTRY, name="npwp-02-photo"))).tags

    assert tags.index("table") < tags.index("img")
    assert tags.count("img") == 2


def test_whatever_was_read_is_shown_as_text(tmp_path: Path) -> None:
    nasty = "<script>alert('x')</script>"
    field = FieldComparison(nasty, nasty, nasty, 0.5)

    entry = replace(ENTRY, name=nasty, note=nasty, outcome=nasty, device=nasty, fields=[field])
    html = written(tmp_path, entry)

    assert "<script" not in html
    assert "script" not in Outline(html).tags
    assert "&lt;script&gt;" in html


def test_a_result_that_was_not_expected_stands_out(tmp_path: Path) -> None:
    html = written(tmp_path, replace(ENTRY, outcome="pending_manual_review"))

    assert "pending_manual_review, not auto_approved" in html


def test_the_overview_counts_fields_that_are_right_of_those_printed(tmp_path: Path) -> None:
    fields = compare_fields(
        {"nik": "1", "name": "A", "religion": "HINDU"}, {"nik": "1", "name": "B", "city": "C"}
    )

    assert "1 of 3" in written(tmp_path, replace(ENTRY, fields=fields))


def test_a_document_that_failed_has_no_score(tmp_path: Path) -> None:
    html = written(tmp_path, replace(ENTRY, score=None, outcome="failed", fields=()))

    assert "None" not in html


def test_each_outcome_has_its_colour(tmp_path: Path) -> None:
    outcomes = ("auto_approved", "pending_manual_review", "failed")

    pages = [written(tmp_path, replace(ENTRY, outcome=each, expected_outcome=each)) for each in outcomes]

    pills = [re.findall(r"<span class='(pill \w+)'>([^<]+)<", page)[0] for page in pages]
    assert pills == [("pill good", "approved"), ("pill doubt", "to review"), ("pill bad", "failed")]


@pytest.mark.programs("browser")
@pytest.mark.parametrize("screen", [PHONE_LIGHT, PHONE_DARK, DESK_LIGHT, DESK_DARK], ids=lambda s: s.name)
def test_the_report_fits_its_screen(tmp_path: Path, screen: Screen) -> None:
    long = replace(
        ENTRY,
        name="npwp-16-turned-and-photographed",
        note="low_confidence_name, nik_birth_date_mismatch, missing_fields",
        outcome="pending_manual_review",
        fields=compare_fields(
            {"address": "JALAN PROKLAMASI KEMERDEKAAN NOMOR 123456", "nik": "3174050101900001"},
            {"address": "JALANPROKLAMASIKEMERDEKAANNOMOR123456789012345", "nik": "3174050101900001"},
        ),
    )
    written(tmp_path, ENTRY, long)

    with opened_browser(tmp_path / "profile") as browser:
        browser.look_with(screen)
        browser.open((tmp_path / "build" / "demo.html").as_uri())
        browser.picture(Path(f"build/demo-report/{screen.name}.png"))
        width, cut, red = browser.run(
            "return [document.documentElement.scrollWidth,"
            " [...document.querySelectorAll('body *')].filter((each) =>"
            " each.getBoundingClientRect().right > innerWidth || each.scrollWidth > each.clientWidth + 1 &&"
            " getComputedStyle(each).display != 'inline').map((each) => each.outerHTML.slice(0, 80)),"
            " getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g)[0]]"
        )

    assert width == screen.width
    assert cut == []
    assert int(red) < 50 if screen.scheme == "dark" else int(red) > 200
