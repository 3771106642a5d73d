"""The overview that `read` prints of several files: a row a file, and below it what there is to say."""

import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Between two columns, and before the lines below a row.
_GAP, _INDENT = "  ", "    "


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """What is shown of one file; what is not known is empty."""

    file: str
    document_type: str = ""
    score: str = ""
    decision: str = ""
    number: str = ""
    name: str = ""
    #: Reasons for review, or why it failed.
    remarks: str = ""


_HEADINGS = OverviewRow("file", "type", "score", "decision", "number", "name")


def overview(rows: Sequence[OverviewRow], width: int) -> Iterator[str]:
    """Yield the lines of the overview. Names move below their rows where these would not fit.

    Files and numbers are never cut: a row that is too long all the same is left to the terminal.

    Parameters:
        width: columns of the terminal
    """
    shown = [_HEADINGS, *rows]
    files = ["file", *short_names([row.file for row in rows])]
    cells = [
        (file, row.document_type, row.score, row.decision, row.number)
        for file, row in zip(files, shown, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    longest = sum(widths) + len(widths) * len(_GAP) + max(len(row.name) for row in shown)
    for row, (file, kind, score, *others) in zip(shown, cells, strict=True):
        aligned = (file, kind, score.rjust(widths[2]), *others)
        line = _GAP.join(cell.ljust(size) for cell, size in zip(aligned, widths, strict=True))
        below = [row.remarks]
        if longest <= width:
            line += _GAP + row.name
        elif row is not _HEADINGS:
            below.insert(0, row.name)
        yield line.rstrip()
        for text in filter(None, below):
            yield from textwrap.wrap(
                text,
                max(width, 40),
                initial_indent=_INDENT,
                subsequent_indent=_INDENT,
                break_long_words=False,
            )


def short_names(files: Sequence[str]) -> list[str]:
    """Return the files' names without the folder that all of them are in."""
    folders = [os.path.dirname(file) for file in files]
    try:
        common = os.path.commonpath(folders)
        return [str(Path(file).relative_to(common)) for file in files]
    except ValueError:
        # Some are absolute paths and others are not, or there are none.
        return list(files)
