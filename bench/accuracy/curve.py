"""The risk-coverage curve as a picture: risk over coverage, one point a limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Pixels: the picture, and the rectangle of the curve in it.
WIDTH, HEIGHT = 640, 360
LEFT, TOP, RIGHT, BOTTOM = 80, 40, 610, 300

#: Risks at the upper and lower end of the logarithmic scale; what is below is drawn at the lower end.
HIGHEST, LOWEST = 0.3, 0.0005


@dataclass(frozen=True, slots=True)
class Point:
    """One limit for approval."""

    limit: float
    #: Share of the right cards that is approved, and share of the approved cards that is wrong.
    coverage: float
    risk: float


def as_svg(points: Sequence[Point], chosen: float) -> str:
    """Return the curve as an SVG document that follows the reader's colour scheme."""
    path = " ".join(f"{_x(point):.1f},{_y(point.risk):.1f}" for point in points)
    dots = "\n".join(_dot(point, is_chosen=point.limit == chosen) for point in points)
    ticks = "\n".join(
        f'<line x1="{LEFT}" y1="{_y(risk):.1f}" x2="{RIGHT}" y2="{_y(risk):.1f}"/>'
        f'<text x="{LEFT - 8}" y="{_y(risk) + 5:.1f}" text-anchor="end">{risk:.1%}</text>'
        for risk in (0.1, 0.03, 0.01, 0.003, 0.001)
    )
    shares = "\n".join(
        f'<text x="{LEFT + share * (RIGHT - LEFT):.0f}" y="{BOTTOM + 22}" text-anchor="middle">'
        f"{share:.0%}</text>"
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
        "<title>Risk over coverage</title>\n"
        "<style>text{font:13px system-ui,sans-serif;fill:#222}line{stroke:#8884}"
        "polyline{fill:none;stroke:#2a6fb0;stroke-width:2}circle{fill:#2a6fb0}.chosen{fill:#c0261c}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}polyline{stroke:#6aa9e0}circle{fill:#6aa9e0}"
        ".chosen{fill:#ff6b5f}}</style>\n"
        f'<text x="{LEFT}" y="22">approved cards with a wrong contract field (0: at the bottom)</text>\n'
        f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 46}" text-anchor="middle">right cards approved</text>\n'
        f'{ticks}\n{shares}\n<polyline points="{path}"/>\n{dots}\n</svg>\n'
    )


def _dot(point: Point, *, is_chosen: bool) -> str:
    x, y = _x(point), _y(point.risk)
    if not is_chosen:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{point.limit:g}</title></circle>'
    label = f'<text x="{x:.1f}" y="{y - 12:.1f}" text-anchor="end">chosen: {point.limit:g}</text>'
    return f'<circle class="chosen" cx="{x:.1f}" cy="{y:.1f}" r="6"/>{label}'


def _x(point: Point) -> float:
    return LEFT + point.coverage * (RIGHT - LEFT)


def _y(risk: float) -> float:
    scale = math.log(HIGHEST / LOWEST)
    return TOP + (BOTTOM - TOP) * math.log(HIGHEST / min(HIGHEST, max(LOWEST, risk))) / scale
