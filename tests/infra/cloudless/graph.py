"""Draws the production stack: `make graph` writes docs/infrastructure.svg, .json and generated tables."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from cloudless import reference
from cloudless.deployment import ROOT, Deployment, production_config
from cloudless.engine import Resource
from cloudless.server import local_aws

#: Pixels: a component's box, a line in it, and the room between boxes.
WIDTH, LINE, GAP_X, GAP_Y = 300, 16, 70, 24

PICTURE, DATA = ROOT / "docs" / "infrastructure.svg", ROOT / "docs" / "infrastructure.json"


def describe(resources: Mapping[str, Resource]) -> list[dict[str, Any]]:
    """Each real resource: what it is, the component that it belongs to, and what it waits for."""
    real = {urn: resource for urn, resource in resources.items() if resource.custom and resource.parent}
    return [
        {
            "component": resources[resource.parent].name,
            "name": _role(resources, resource),
            "type": resource.type.removeprefix("aws:"),
            "dependsOn": sorted(_label(resources, urn) for urn in resource.dependencies if urn in real),
        }
        for resource in sorted(real.values(), key=lambda found: found.urn)
        if resource.type.startswith("aws:")
    ]


def as_json(described: Sequence[Mapping[str, Any]]) -> str:
    """The description as a file."""
    return json.dumps(described, indent=1) + "\n"


def as_svg(described: Sequence[Mapping[str, Any]]) -> str:
    """Components from left to right, each right of all that it needs."""
    lines: dict[str, list[str]] = defaultdict(list)
    needs: dict[str, set[str]] = defaultdict(set)
    for entry in described:
        component = entry["component"]
        lines[component].append(f"{entry['type'].partition(':')[2]} {entry['name']}")
        needs[component] |= {label.partition("/")[0] for label in entry["dependsOn"]} - {component}
    places = _places(lines, needs)
    parts = [_arrow(places[source], places[target]) for target in needs for source in sorted(needs[target])]
    parts += [_box(name, lines[name], *place) for name, place in places.items()]
    width = max(x for x, _, _ in places.values()) + WIDTH + 20
    height = max(y + tall for _, y, tall in places.values()) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="11">',
            '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>',
            '<rect width="100%" height="100%" fill="#fff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _label(resources: Mapping[str, Resource], urn: str) -> str:
    """Component and child, without the component's name in the child's."""
    resource = resources[urn]
    return f"{resources[resource.parent].name}/{_role(resources, resource)}"


def _role(resources: Mapping[str, Resource], resource: Resource) -> str:
    return resource.name.removeprefix(f"{resources[resource.parent].name}-")


def _places(
    lines: Mapping[str, Sequence[str]], needs: Mapping[str, set[str]]
) -> dict[str, tuple[int, int, int]]:
    """Left, top and height of each component's box."""

    def column(name: str) -> int:
        return max((column(other) + 1 for other in needs[name]), default=0)

    bottoms: dict[int, int] = defaultdict(lambda: 20)
    places = {}
    for name in sorted(lines):
        tall = LINE * (len(lines[name]) + 2)
        x, y = 20 + column(name) * (WIDTH + GAP_X), bottoms[column(name)]
        places[name] = (x, y, tall)
        bottoms[column(name)] = y + tall + GAP_Y
    return places


def _box(name: str, lines: Sequence[str], x: int, y: int, tall: int) -> str:
    rows = [
        f'<text x="{x + 12}" y="{y + LINE * (number + 2) + 4}" fill="#334">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{tall}" rx="6" fill="#f4f6fa" stroke="#9ab"/>'
        f'<text x="{x + 12}" y="{y + 18}" font-weight="bold" font-size="13">{escape(name)}</text>'
        + "".join(rows)
    )


def _arrow(source: tuple[int, int, int], target: tuple[int, int, int]) -> str:
    """From the right edge of what is needed to the left edge of what needs it."""
    x1, y1 = source[0] + WIDTH, source[1] + source[2] // 2
    x2, y2 = target[0], target[1] + target[2] // 2
    bend = (x2 - x1) // 2
    curve = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return f'<path d="{curve}" fill="none" stroke="#667" stroke-opacity=".6" marker-end="url(#end)"/>'


def main() -> None:
    """Deploy on a local server and write both files."""
    with local_aws() as new_account:
        aws = new_account()
        deployment = Deployment(aws)
        described = describe(deployment.up(production_config(aws)).resources)
    DATA.write_text(as_json(described))
    PICTURE.write_text(as_svg(described))
    reference.main()
    print(f"{len(described)} resources drawn in {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
