"""`python -m tools.reference`: write the tables of docs/reference.md that come from the code.

``--check`` changes nothing and exits with 1 when the page differs.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.core
import typer.main

from service.cli import app
from service.reading.documents.reasons import ADVICE
from service.reading.pages.decoder import limits
from service.reading.pages.decoder.file_formats import FileFormat
from service.reading.pages.refusals import REFUSALS
from service.settings import Settings, describe_settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"

#: Limits of pixels: of any picture, of a JPEG, and of a progressive one.
_PIXELS = (limits.PIXEL_BUDGET, limits.REDUCIBLE_PIXEL_BUDGET, limits.PROGRESSIVE_PIXEL_BUDGET)


def main() -> int:
    """Write the page, or compare it; returns the exit code."""
    before = PAGE.read_text(encoding="utf-8")
    after = filled(before)
    if "--check" in sys.argv[1:]:
        return int(before != after)
    PAGE.write_text(after, encoding="utf-8")
    return 0


def filled(page: str) -> str:
    """Return the page with every block between ``begin`` and ``end`` marks replaced by the code's table.

    Raises:
        ValueError: a block's marks are missing.
    """
    for name, table in tables().items():
        before, begin, rest = page.partition(f"<!-- {name}: begin -->")
        _, end, after = rest.partition(f"<!-- {name}: end -->")
        if not (begin and end):
            raise ValueError(f"the page has no block {name}")
        page = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return page


def tables() -> Mapping[str, str]:
    """The tables by block name, as Markdown."""
    return {
        "limits": _table(("what", "limit", "code"), _limits()),
        "settings": _table(
            ("variable", "default", "meaning"),
            (
                (f"`{name}`", f"`{default}`" if default else "", meaning)
                for name, _, default, meaning in describe_settings(Settings.model_construct())
            ),
        ),
        "commands": _table(("command", "does"), _commands(typer.main.get_command(app), "filot-ocr")),
        "review-reasons": _table(
            ("code", "advice"), ((f"`{code}`", advice.english) for code, advice in ADVICE.items())
        ),
        "failure-codes": _table(
            ("code", "sentence (the user sees it in Indonesian as well)"),
            ((f"`{code}`", english) for code, (_, english) in sorted(failure_sentences().items())),
        ),
    }


def _limits() -> Iterator[tuple[str, str, str]]:
    size = Settings.model_fields["max_file_size"]
    formats = ", ".join(each.name for each in FileFormat)
    megapixels = [f"{pixels // 10**6} million" for pixels in _PIXELS]
    yield "format", f"{formats}; told from the content, not from the name", "`not_an_image`"
    yield (
        "size",
        f"{size.default} MB (of 1,048,576 bytes); `{size.alias}` allows up to {limits.MAX_FILE_SIZE >> 20}",
        "`file_too_large`",
    )
    yield (
        "largest picture",
        "{} pixels; of a JPEG {}, of a progressive JPEG {}".format(*megapixels),
        "`image_too_large`",
    )
    yield (
        "smallest picture",
        f"{limits.MIN_SIDE} pixels on the shorter side, once the longer one is shrunk to {limits.MAX_SIDE:,}",
        "`image_too_small`",
    )
    yield (
        "pages",
        f"of a PDF the first {limits.MAX_PAGES}; of more, the first {limits.MAX_PAGES} that are not blank"
        f" among the first {limits.MAX_SEARCHED_PAGES}",
        "none: others are not looked at",
    )
    yield "work", f"{limits.CPU_TIME:g} s of CPU time to decode the file", "`file_takes_too_long`"
    yield "memory", f"{limits.MEMORY >> 20} MiB to decode the file", "`file_breaks_decoder`"


def failure_sentences() -> dict[str, tuple[str, str]]:
    """The sentence of every failure code, in Indonesian and English."""
    found = dict(REFUSALS)
    for path in sorted((ROOT / "service").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
                if call.func.id in ("DocumentError", "RetriesExceededError") and len(texts) == 3:
                    found[str(texts[0])] = (str(texts[1]), str(texts[2]))
    return found


def _commands(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """One row a command: how it is typed, required options first, and the first paragraph of its help."""
    if isinstance(command, typer.core.TyperGroup):
        for each, sub in command.commands.items():
            yield from _commands(sub, f"{name} {each}")
        return
    parameters = sorted(command.params, key=lambda parameter: not parameter.required)
    shown = " ".join([name, *map(_parameter, parameters)])
    first = (command.help or "").partition("\n\n")[0].replace("\n", " ")
    yield f"`{shown}`", first.replace("|", "\\|")


def _parameter(parameter: Any) -> str:
    if isinstance(parameter, typer.core.TyperArgument):
        return str(parameter.metavar or parameter.name.upper())
    option = max(parameter.opts, key=len)
    shown = option if parameter.is_flag else f"{option} ..."
    return shown if parameter.required else f"[{shown}]"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    sys.exit(main())
