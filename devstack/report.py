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
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --soft: #667; --line: #d8dce2;
  --good: #0a7a3d; --bad: #b3261e; --head: #f3f5f8 }
@media (prefers-color-scheme: dark) {
  :root { --ground: #15181c; --ink: #e6e8eb; --soft: #9aa3ad; --line: #333a42;
    --good: #5fd38d; --bad: #ff8a80; --head: #1f242a } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--ground); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top }
thead th { background: var(--head); white-space: nowrap }
.number { text-align: right; font-variant-numeric: tabular-nums }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 } .soft { color: var(--soft) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem }
dt { color: var(--soft) } dd { margin: 0 }
img { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 6px }
a { color: inherit }
"""


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
    facts = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in summary.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>FiLot OCR worker: demo</title><style>{_STYLE}</style></head><body>"
        "<h1>FiLot OCR worker: demo</h1>"
        "<p class='soft'>Every person and number on these cards is invented.</p>"
        f"<dl>{facts}</dl>{_overview(entries)}{''.join(_section(entry) for entry in entries)}</body></html>\n"
    )


def _overview(entries: Iterable[ReportEntry]) -> str:
    return _table(
        ("document", "type", "level", "outcome", "score", "fields right", "device", "ms"),
        (
            (
                f"<a href='#{escape(entry.name)}'>{escape(entry.name)}</a>",
                escape(entry.document_type),
                escape(entry.level),
                _outcome(entry),
                _number("" if entry.score is None else entry.score),
                _number(_tally(entry)),
                escape(entry.device),
                _number(entry.milliseconds),
            )
            for entry in entries
        ),
    )


def _section(entry: ReportEntry) -> str:
    fields = _table(("field", "printed", "read", "confidence", ""), map(_field_cells, entry.fields))
    note = f"<p class='soft'>{escape(entry.note)}</p>" if entry.note else ""
    return (
        f"<section><h2 id='{escape(entry.name)}'>{escape(entry.name)}</h2>"
        f"<p>{escape(entry.document_type)}, {escape(entry.level)}: {_outcome(entry)}</p>{note}"
        f"{_picture(entry)}{fields}</section>"
    )


def _field_cells(field: FieldComparison) -> tuple[str, ...]:
    mood = "good" if field.verdict == "right" else "bad"
    return (
        escape(field.key),
        escape(field.truth or ""),
        escape(field.read or ""),
        _number("" if field.confidence is None else f"{field.confidence:.2f}"),
        f"<span class='{mood}'>{field.verdict}</span>",
    )


def _outcome(entry: ReportEntry) -> str:
    if entry.as_expected:
        return f"<span class='good'>{escape(entry.outcome)}</span>"
    return f"<span class='bad'>{escape(entry.outcome)}, not {escape(entry.expected_outcome)}</span>"


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


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; cells are HTML already."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _number(value: object) -> str:
    return f"<div class='number'>{escape(str(value))}</div>"
