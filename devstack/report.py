"""The demo's report: one self-contained HTML file for any screen, light or dark."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2

from devstack.comparison import FieldComparison, tally
from devstack.degrade import encode_jpeg
from service.reading.ocr.engine import ColourImage

#: Pictures are shrunk to this width in pixels: readable on any screen, some 100 kB each.
_PICTURE_WIDTH = 1200

_STYLE = """
:root { color-scheme: light dark; --ground: #f4f6f8; --card: #fff; --ink: #17202a; --soft: #5a6675;
  --line: #dde3ea; --good: #1a7f4b; --doubt: #9a5b00; --bad: #b42318; --good-wash: #e3f5eb;
  --doubt-wash: #fdf0d5; --bad-wash: #fde7e4 }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0f1419; --card: #182028; --ink: #e6ebf0; --soft: #98a5b3; --line: #2b3641;
    --good: #6fd6a1; --doubt: #f2bd5b; --bad: #ff8f85; --good-wash: #123225; --doubt-wash: #3a2a0c;
    --bad-wash: #431b18 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 64rem; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; -webkit-text-size-adjust: 100% }
h1 { font-size: 1.3rem; margin: .5rem 0 } h2 { font-size: 1.05rem; margin: 0 0 .4rem }
p { margin: .3rem 0 .7rem }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem;
  margin-top: 1rem }
table { border-collapse: collapse; width: 100%; font-size: .88rem }
th, td { border-top: 1px solid var(--line); padding: .38rem .4rem; text-align: left; vertical-align: top }
th { border-top: 0; color: var(--soft); font-weight: 500; white-space: nowrap }
td:first-child { white-space: nowrap } h2, p, .value { overflow-wrap: anywhere }
th:first-child, td:first-child { padding-left: 0 } th:last-child, td:last-child { padding-right: 0 }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.soft { color: var(--soft) }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
.pill { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .8rem;
  white-space: nowrap }
.pill.good { background: var(--good-wash) } .pill.doubt { background: var(--doubt-wash); color: var(--doubt) }
.pill.bad { background: var(--bad-wash); font-weight: 400 }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: 0 }
.facts div { display: flex; gap: .4rem } dt { color: var(--soft) } dd { margin: 0; font-weight: 600 }
img { display: block; max-width: 100%; height: auto; border-radius: 6px }
a { color: inherit }
@media (max-width: 46rem) { .desk { display: none } body { padding: .6rem }
  td:first-child { white-space: normal; overflow-wrap: break-word } section { padding: .7rem } }
"""

#: How an outcome is shown: its words, and its colour.
_OUTCOMES = {
    "auto_approved": ("approved", "good"),
    "pending_manual_review": ("to review", "doubt"),
    "failed": ("failed", "bad"),
}


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """One document of the demo with its result."""

    name: str
    document_type: str
    #: What happened to the card, for example ``photo``.
    level: str
    outcome: str
    expected_outcome: str
    #: 0 to 100; None when it failed.
    score: int | None
    device: str
    milliseconds: int
    #: The page with its overlay.
    picture: ColourImage
    fields: Sequence[FieldComparison]
    #: Review reasons or an error, in words.
    note: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether the outcome is the expected one."""
        return self.outcome == self.expected_outcome


def write_report(path: Path, entries: Sequence[ReportEntry], summary: Mapping[str, str]) -> None:
    """Write the report; ``summary`` holds facts about the whole run, shown first.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(entries, summary), encoding="utf-8")


def _page(entries: Sequence[ReportEntry], summary: Mapping[str, str]) -> str:
    facts = "".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in summary.items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>FiLot OCR worker: demo</title><style>{_STYLE}</style></head><body>"
        "<h1>FiLot OCR worker: demo</h1>"
        "<p class='soft'>Every person and number on these cards is invented.</p>"
        f"<dl class='facts'>{facts}</dl><section>{_overview(entries)}</section>"
        f"{''.join(map(_section, entries))}</body></html>\n"
    )


def _overview(entries: Iterable[ReportEntry]) -> str:
    return _table(
        (
            *(
                ("document", ""),
                ("type", "desk"),
                ("level", "desk"),
                ("outcome", "value"),
                ("score", "number desk"),
            ),
            *(("fields right", "number"), ("device", "desk"), ("ms", "number desk")),
        ),
        (
            (
                f"<a href='#{escape(entry.name)}'>{escape(entry.name)}</a>",
                escape(entry.document_type),
                escape(entry.level),
                _outcome(entry),
                "" if entry.score is None else str(entry.score),
                _tally(entry),
                escape(entry.device),
                str(entry.milliseconds),
            )
            for entry in entries
        ),
    )


def _section(entry: ReportEntry) -> str:
    heads = (
        ("field", ""),
        ("printed", "value"),
        ("read", "value"),
        ("confidence", "number desk"),
        ("", "number"),
    )
    note = f" <span class='soft'>{escape(entry.note)}</span>" if entry.note else ""
    return (
        f"<section id='{escape(entry.name)}'><h2>{escape(entry.name)}</h2>"
        f"<p>{escape(entry.document_type)}, {escape(entry.level)}: {_outcome(entry)}{note}</p>"
        f"{_picture(entry)}{_table(heads, map(_field_cells, entry.fields))}</section>"
    )


def _field_cells(field: FieldComparison) -> tuple[str, ...]:
    mood = "good" if field.verdict == "right" else "bad"
    return (
        escape(field.key),
        escape(field.truth or ""),
        escape(field.read or ""),
        "" if field.confidence is None else f"{field.confidence:.2f}",
        f"<span class='{mood}'>{field.verdict}</span>",
    )


def _outcome(entry: ReportEntry) -> str:
    words, colour = _OUTCOMES.get(entry.outcome, (entry.outcome, "bad"))
    pill = f"<span class='pill {colour}'>{escape(words)}</span>"
    if entry.as_expected:
        return pill
    return f"{pill} <span class='bad'>{escape(entry.outcome)}, not {escape(entry.expected_outcome)}</span>"


def _tally(entry: ReportEntry) -> str:
    right, printed = tally(entry.fields)
    return f"{right} of {printed}"


def _picture(entry: ReportEntry) -> str:
    height, width = entry.picture.shape[:2]
    picture = entry.picture
    if width > _PICTURE_WIDTH:
        shrunk = (_PICTURE_WIDTH, round(height * _PICTURE_WIDTH / width))
        picture = cv2.resize(picture, shrunk, interpolation=cv2.INTER_AREA).astype("uint8")
    content = base64.b64encode(encode_jpeg(picture, 80)).decode("ascii")
    return f"<p><img alt='{escape(entry.name)}' loading='lazy' src='data:image/jpeg;base64,{content}'></p>"


def _table(heads: Sequence[tuple[str, str]], rows: Iterable[Iterable[str]]) -> str:
    """A table; heads have a text and classes of their column, cells are HTML already."""

    def cell(tag: str, content: str, classes: str) -> str:
        return f"<{tag} class='{classes}'>{content}</{tag}>" if classes else f"<{tag}>{content}</{tag}>"

    head = "".join(cell("th", escape(text), classes) for text, classes in heads)
    body = "".join(
        "<tr>"
        + "".join(cell("td", content, classes) for content, (_, classes) in zip(row, heads, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
