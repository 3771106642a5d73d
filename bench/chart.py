"""Bar chart of the bench: one bar a contender, with its accuracy beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

#: Pixels: a bar with its gap, where bars begin, and how long the longest is.
ROW, LEFT, MAX_LENGTH = 34, 230, 330

#: Pixels of the whole picture's width.
WIDTH = 760


@dataclass(frozen=True, slots=True)
class Bar:
    """One contender."""

    name: str
    #: Documents a second.
    rate: float
    #: What is written behind the bar.
    note: str


def as_svg(title: str, bars: Sequence[Bar]) -> str:
    """Return the chart as an SVG document that follows the reader's colour scheme."""
    most = max(bar.rate for bar in bars)
    height = ROW * (len(bars) + 1) + 20
    rows = "\n".join(_row(bar, number, most) for number, bar in enumerate(bars, start=1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        "<style>text{font:14px system-ui,sans-serif;fill:#222}rect{fill:#2a6fb0}.plain{fill:#999}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#6aa9e0}.plain{fill:#777}}</style>\n"
        f'<text x="10" y="22">{escape(title)}</text>\n{rows}\n</svg>\n'
    )


def _row(bar: Bar, number: int, most: float) -> str:
    y = ROW * number + 6
    length = max(1, round(MAX_LENGTH * bar.rate / most))
    kind = ' class="plain"' if bar.name.startswith("plain") else ""
    return (
        f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(bar.name)}</text>'
        f'<rect{kind} x="{LEFT}" y="{y}" width="{length}" height="22" rx="3"/>'
        f'<text x="{LEFT + length + 8}" y="{y + 16}">{bar.rate:.2f} · {escape(bar.note)}</text>'
    )
