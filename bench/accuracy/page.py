"""One HTML page with pictures of what was read wrong; it needs nothing else."""

import base64
from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from bench.accuracy.cutouts import Example

#: Pictures of one engine on one level; more would make a page that no browser likes.
_MAX = 80

_STYLE = """
:root { color-scheme: light dark }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; font: 15px/1.4 system-ui, sans-serif }
h2 { margin: 2.5rem 0 .5rem } pre { overflow-x: auto; font-size: .8rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .4rem .6rem; text-align: left; vertical-align: top }
td img { max-width: 26rem; height: auto; display: block } code { white-space: pre-wrap }
.approved { color: #c0261c; font-weight: 600 } .soft { opacity: .65; font-size: .85rem }
"""


def write_page(path: Path, markdown: str, examples: Sequence[Example]) -> None:
    """Write the page: the tables as they are printed, then wrong fields, approved cards first.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sections = "".join(
        _section(engine, level, list(group))
        for (engine, level), group in groupby(sorted(examples, key=_order), key=_group)
    )
    path.write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Accuracy bench</title><style>{_STYLE}</style></head><body><h1>Accuracy bench</h1>"
        f"<details open><summary>Tables</summary><pre>{escape(markdown)}</pre></details>"
        f"{sections}</body></html>\n",
        encoding="utf-8",
    )


def _group(example: Example) -> tuple[str, str]:
    return example.verdict.engine, example.verdict.level


def _order(example: Example) -> tuple[str, str, bool, str]:
    verdict = example.verdict
    return (*_group(example), verdict.fate != "approved", verdict.card)


def _section(engine: str, level: str, examples: Sequence[Example]) -> str:
    counts = Counter(example.field.key for example in examples)
    tally = ", ".join(f"{key} {count}" for key, count in counts.most_common())
    rows = "".join(map(_row, examples[:_MAX]))
    return (
        f"<h2>{escape(engine)}, {escape(level)}: {len(examples)} fields not right</h2><p>{escape(tally)}"
        f"{f'; the first {_MAX} are shown' if len(examples) > _MAX else ''}</p>"
        "<table><thead><tr><th>card</th><th>field</th><th>picture</th><th>printed<br>read</th><th>then</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _row(example: Example) -> str:
    field, verdict = example.field, example.verdict
    mood = ' class="approved"' if verdict.fate == "approved" else ""
    confidence = (
        "" if field.confidence is None else f"<br><span class='soft'>at {field.confidence:.3f}</span>"
    )
    reasons = escape(", ".join(verdict.reasons))
    return (
        f"<tr><td>{escape(verdict.card)}</td><td>{escape(field.key)}</td><td>{_image(example.picture)}</td>"
        f"<td><code>{escape(field.truth or '')}</code><br>"
        f"<code>{escape(field.read or '(left out)')}</code>{confidence}</td>"
        f"<td><span{mood}>{escape(verdict.fate)}</span><br><span class='soft'>{reasons}</span></td></tr>"
    )


def _image(picture: bytes | None) -> str:
    if picture is None:
        return ""
    return f"<img alt='' loading='lazy' src='data:image/jpeg;base64,{base64.b64encode(picture).decode()}'>"
