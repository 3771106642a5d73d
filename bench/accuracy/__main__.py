"""`make accuracy`: read invented cards at every level, or one's own, and say how right that was."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.accuracy.bars import shortfalls
from bench.accuracy.cutouts import Example
from bench.accuracy.levels import LEVELS
from bench.accuracy.own import TruthError, find_own
from bench.accuracy.page import write_page
from bench.accuracy.readers import ENGINE_NAMES, EngineName
from bench.accuracy.reading import Invented, Job, read_all
from bench.accuracy.samples import HELD_OUT_FROM, UNSEEN_FROM
from bench.accuracy.summary import aggregate, as_json
from bench.accuracy.table import as_markdown
from bench.accuracy.verdicts import CardVerdict
from bench.machine import describe_machine, has_tesseract
from bench.markdown import replace_block
from service.errors import SettingsError

#: Cards of each level.
CARDS = 200

#: Processes that read; each holds its own engines, some 300 MB.
PROCESSES = 2

OUT = Path("build/accuracy")


def main() -> int:
    """Read, print the tables, write them; returns 1 where a bar is missed, 2 where nothing could be read."""
    options = _options()
    console = Console()
    try:
        jobs, title = _jobs(options)
        verdicts, examples = _read(jobs, options, console)
    except (TruthError, SettingsError) as error:
        console.print(str(error), style="bold red", markup=False)
        return 2
    summaries = aggregate(verdicts)
    machine = ", ".join(f"{name} {value}" for name, value in describe_machine().items())
    markdown = f"{as_markdown(title, summaries)}\n\nMeasured on: {machine}."
    console.print(markdown, markup=False, emoji=False, highlight=False, soft_wrap=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(as_json(summaries, verdicts), indent=1))
    write_page(options.out / "report.html", markdown, examples)
    console.print(f"\nPictures of what was read wrong: {options.out / 'report.html'}", soft_wrap=True)
    if options.markdown:
        replace_block(options.markdown, "accuracy", markdown)
    missed = [] if options.own else list(shortfalls(summaries))
    for shortfall in missed:
        console.print(f"MISSED  {shortfall}", style="bold red", markup=False, soft_wrap=True)
    return 1 if missed else 0


def _jobs(options: argparse.Namespace) -> tuple[list[Job], str]:
    if options.own:
        files = find_own(options.own)
        return [*files], f"{len(files)} own cards:"
    seeds = range(options.seed, options.seed + options.cards)
    kind = "held out" if options.seed >= HELD_OUT_FROM else "for development"
    title = f"{options.cards} invented cards a level, seeds {seeds[0]} to {seeds[-1]} ({kind}):"
    return [Invented(level, seed) for level in options.levels or LEVELS for seed in seeds], title


def _read(
    jobs: list[Job], options: argparse.Namespace, console: Console
) -> tuple[list[CardVerdict], list[Example]]:
    engines = tuple(dict.fromkeys(options.engine or _engines_here(console)))
    verdicts: list[CardVerdict] = []
    examples: list[Example] = []
    with Progress(console=console, transient=True) as progress:
        for read in progress.track(
            read_all(jobs, engines, options.processes), total=len(jobs), description="Reading cards"
        ):
            verdicts += read.verdicts
            examples += read.examples
    order = (*LEVELS, *ENGINE_NAMES)
    verdicts.sort(key=lambda one: (one.level, one.card))
    verdicts.sort(
        key=lambda one: (order.index(one.level) if one.level in LEVELS else -1, order.index(one.engine))
    )
    return verdicts, examples


def _engines_here(console: Console) -> tuple[EngineName, ...]:
    if has_tesseract("ind", "eng"):
        return ENGINE_NAMES
    console.print("Tesseract with ind and eng is not installed: only `onnx` is read with.")
    return ("onnx",)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--cards", type=_positive, default=CARDS, help="cards of each level")
    parser.add_argument(
        "--seed",
        type=int,
        default=UNSEEN_FROM,
        help=f"the first card's; below {HELD_OUT_FROM} for development (default: %(default)s)",
    )
    parser.add_argument("--levels", nargs="+", choices=LEVELS, help="default: all")
    parser.add_argument(
        "--engine", action="append", choices=ENGINE_NAMES, help="can be repeated; default: all"
    )
    parser.add_argument("--processes", type=_positive, default=PROCESSES, help="processes that read")
    parser.add_argument("--own", type=Path, metavar="FOLDER", help="read one's own labelled cards instead")
    parser.add_argument("--markdown", type=Path, help="page with markers to put the tables into")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for results.json and report.html")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
