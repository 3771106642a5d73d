"""The figures as Markdown tables, for the terminal and for a page between two markers."""

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from bench.accuracy.summary import Summary
from service.reading.documents.scoring import CONTRACT_FIELDS

#: The summaries of each level, the engines in one order.
_Grid: TypeAlias = Sequence[Sequence[Summary]]

_HEADINGS = (
    *("level", "engine", "cards", "contract fields right", "cards all right", "character errors"),
    *("approved", "of these wrong: number, name, any", "incomplete", "to review", "of these all right"),
    *("refused", "CPU s/card"),
)

#: Of its files nobody can say which fields are right.
OF_TWO_PEOPLE = "couple"


def as_markdown(title: str, summaries: Sequence[Summary]) -> str:
    """All tables: the figures, each field, the reasons; in these two the engines stand side by side."""
    engines = list(dict.fromkeys(summary.engine for summary in summaries))
    levels = list(dict.fromkeys(summary.level for summary in summaries))
    rows = sorted(summaries, key=lambda summary: levels.index(summary.level))
    by_place = {(summary.level, summary.engine): summary for summary in summaries}
    beside = " / ".join(f"`{engine}`" for engine in engines)
    levels = [level for level in levels if level != OF_TWO_PEOPLE]
    grid = [
        [by_place[level, engine] for engine in engines if (level, engine) in by_place] for level in levels
    ]
    parts = [title, _table(_HEADINGS, (_row(row) for row in rows if row.level != OF_TWO_PEOPLE))]
    parts += [_stopped(row) for row in rows if row.must_review]
    parts += [
        f"Percent of printed fields read right with {beside}; those of the contract in bold:",
        _table(("field", *levels), _field_rows(grid)),
    ]
    if any(summary.reasons for summary in summaries):
        parts += [
            f"Reasons for review or refusal, in cards, with {beside}:",
            _table(("reason", *levels), _reason_rows(grid)),
        ]
    return "\n\n".join(parts)


def _row(summary: Summary) -> Sequence[str]:
    wrong = summary.approved_wrong
    return (
        summary.level,
        f"`{summary.engine}`",
        str(summary.cards),
        f"{summary.share_right:.2%}",
        f"{summary.cards_right / summary.cards:.1%}",
        f"{summary.character_error_rate:.2%}",
        f"{summary.approved / summary.cards:.1%}",
        f"{wrong.number}, {wrong.name}, {wrong.any}",
        str(summary.approved_incomplete),
        f"{summary.review / summary.cards:.1%}",
        str(summary.review_right),
        str(summary.refused),
        f"{summary.cpu_seconds:.2f}",
    )


def _stopped(summary: Summary) -> str:
    return (
        f"{summary.level}, `{summary.engine}`: of {summary.must_review} files that a person must see "
        f"{summary.reviewed} were sent there for the right reason, {summary.approved} were approved."
    )


def _field_rows(grid: _Grid) -> Iterator[Sequence[str]]:
    contract = {key for keys in CONTRACT_FIELDS.values() for key in keys}
    keys = dict.fromkeys(key for level in grid for summary in level for key in summary.by_field)
    for key in sorted(keys, key=lambda key: key not in contract):
        name = f"**{key}**" if key in contract else key
        yield name, *(" / ".join(_percent(summary.by_field.get(key)) for summary in level) for level in grid)


def _reason_rows(grid: _Grid) -> Iterator[Sequence[str]]:
    reasons = {reason for level in grid for summary in level for reason in summary.reasons}
    for reason in sorted(reasons):
        cells = (" / ".join(str(summary.reasons.get(reason, 0)) for summary in level) for level in grid)
        yield f"`{reason}`", *cells


def _percent(tally: tuple[int, int] | None) -> str:
    # Only what is whole may look whole: 99.96 is not 100.
    return f"{math.floor(1000 * tally[1] / tally[0]) / 10:g}" if tally else "-"


def _table(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [headings, ("---", *["---:"] * (len(headings) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
