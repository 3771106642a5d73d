"""`make bench-peers`: this worker's engine beside others on the same cards, with the same parsers.

Every engine gets the same decoded pages, and the same parsers read the fields from its lines, so that reading
is compared with reading. Each runs in a process of its own, as many cards at a time as suits it.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytesseract
from rich.console import Console
from rich.progress import Progress

from bench.accuracy.levels import Level
from bench.accuracy.samples import Sample, invent_sample
from bench.chart import Bar, as_svg
from bench.contenders import Loop, Reader, Run
from bench.machine import describe_machine, has_tesseract, usable_cores
from bench.markdown import replace_block
from bench.summary import count_right
from service.reading.ocr.engine import Device, Engine, Page, PageText, TextLine
from service.reading.ocr.loading import load_engine, warm_up
from service.reading.ocr.reading_order import in_reading_order
from service.reading.reader import parsed_result, read_document

#: Seeds of the cards; `make accuracy` reads others.
SEED = 9_000_000

#: Cards of each level, and how often each engine reads them all.
LEVELS: tuple[Level, ...] = ("flat", "photo", "messenger")
CARDS, ROUNDS = 12, 2

#: The chart: where it is drawn, and what it shows.
CHART, TITLE = Path("docs/peers.svg"), "Cards a second, same cards and parsers"

#: Tesseract's mode for a uniform block, without which it splits a card into columns.
SEGMENTATION = 6

#: How the engines run, and what a fair table would hold as well.
NOTES = (
    "*Tuned*: one core a card, lines one by one, upright cards assumed. pytesseract and tesserocr have "
    "Tesseract's `fast` models; pytesseract one core a card, tesserocr one card at a time. Left out, because "
    "their models have to be fetched from elsewhere at run time: Tesseract's `best` models, PaddleOCR, "
    "EasyOCR, docTR. Peak MiB are of the reading process, without programs that it starts."
)


@dataclass(frozen=True, slots=True)
class RapidEngine:
    """rapidocr, with its own pipeline of the networks that ours derive from."""

    ocr: Any
    name: str = "rapidocr"
    device: Device = "cpu"

    def read(self, page: Page) -> PageText:
        """As ``Engine.read``."""
        found = self.ocr(cv2.cvtColor(page.image, cv2.COLOR_GRAY2BGR))
        if found.boxes is None:
            return PageText(page.image, (), self.device)
        lines = [
            _line(text, float(score), np.asarray(box).tolist())
            for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
        ]
        return PageText(page.image, tuple(in_reading_order(lines)), self.device)


@dataclass(frozen=True, slots=True)
class PytesseractEngine:
    """Tesseract's program, started for each page by pytesseract."""

    name: str = "pytesseract"
    device: Device = "cpu"

    def read(self, page: Page) -> PageText:
        """As ``Engine.read``."""
        data = pytesseract.image_to_data(
            page.image, "ind+eng", f"--psm {SEGMENTATION}", output_type=pytesseract.Output.DICT
        )
        rows: dict[tuple[int, int, int], list[int]] = {}
        for index, text in enumerate(data["text"]):
            if text.strip():
                place = (data["block_num"][index], data["par_num"][index], data["line_num"][index])
                rows.setdefault(place, []).append(index)
        lines = [_joined(data, words) for words in rows.values()]
        return PageText(page.image, tuple(in_reading_order(lines)), self.device)


@dataclass(frozen=True, slots=True)
class TesserocrEngine:
    """Tesseract's library in this process, through tesserocr; one page at a time."""

    library: Any
    api: Any
    name: str = "tesserocr"
    device: Device = "cpu"

    def read(self, page: Page) -> PageText:
        """As ``Engine.read``."""
        self.api.SetImage(PIL.Image.fromarray(page.image))
        self.api.Recognize()
        level = self.library.RIL.TEXTLINE
        lines = []
        for row in self.library.iterate_level(self.api.GetIterator(), level):
            if text := (row.GetUTF8Text(level) or "").strip():
                left, top, right, bottom = row.BoundingBox(level)
                corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
                lines.append(_line(text, row.Confidence(level) / 100, corners))
        return PageText(page.image, tuple(in_reading_order(lines)), self.device)


def _line(text: str, confidence: float, corners: Sequence[Sequence[float]]) -> TextLine:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in corners)
    return TextLine(text, confidence, (top_left, top_right, bottom_right, bottom_left))


def _joined(data: Mapping[str, Sequence[Any]], words: Sequence[int]) -> TextLine:
    left, top = (min(data[side][index] for index in words) for side in ("left", "top"))
    right = max(data["left"][index] + data["width"][index] for index in words)
    bottom = max(data["top"][index] + data["height"][index] for index in words)
    confidence = min(float(data["conf"][index]) for index in words) / 100
    text = " ".join(data["text"][index] for index in words)
    return _line(text, confidence, [(left, top), (right, top), (right, bottom), (left, bottom)])


def ours() -> Reader:
    """The worker's engine."""
    engine = load_engine("onnx")
    warm_up(engine)
    return _reader(engine)


def rapidocr(**parameters: object) -> Reader:
    """rapidocr, by default as it comes: each network on every core."""
    module = import_module("rapidocr")
    logging.getLogger("RapidOCR").setLevel(logging.WARNING)
    return _reader(RapidEngine(module.RapidOCR(params={"Global.log_level": "warning", **parameters})))


def tuned_rapidocr() -> Reader:
    """rapidocr as we would run it: one core a card, lines one by one, upright cards assumed."""
    return rapidocr(
        **{
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Rec.rec_batch_num": 1,
            "Global.use_cls": False,
        }
    )


def pytesseract_reader() -> Reader:
    """Tesseract's program, one core a card: in bulk its fastest way."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    return _reader(PytesseractEngine())


def tesserocr_reader() -> Reader:
    """Tesseract's library with the same models."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    library = import_module("tesserocr")
    folder = Path("/usr/share/tesseract-ocr/5/tessdata")
    api = library.PyTessBaseAPI(path=str(folder), lang="ind+eng", psm=SEGMENTATION)
    return _reader(TesserocrEngine(library, api))


def _reader(engine: Engine) -> Reader:
    return lambda card: parsed_result(read_document(card.content, card.document_type, engine))


@dataclass(frozen=True, slots=True)
class Peer:
    """One engine, how it is opened, and how many cards it reads at a time."""

    name: str
    open: Callable[[], Reader]
    jobs: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine's rounds over all cards."""

    name: str
    runs: Sequence[Run]
    #: MiB that its process took at most.
    memory: float


def peers(cores: int) -> list[Peer]:
    """The engines that can run here; the worker's comes first."""
    found = [Peer("this worker's engine", ours, cores)]
    if _is_installed("rapidocr"):
        found += [
            Peer("rapidocr as it comes", rapidocr, 1),
            Peer("rapidocr, tuned", tuned_rapidocr, cores),
        ]
    if has_tesseract("ind", "eng"):
        found.append(Peer("pytesseract", pytesseract_reader, cores))
        if _is_installed("tesserocr"):
            found.append(Peer("tesserocr", tesserocr_reader, 1))
    return found


def _is_installed(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def main() -> None:
    """Measure, print the table, and write it into a Markdown file where one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS, help="of each level")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="over all cards")
    parser.add_argument("--markdown", type=Path, help="replace the table in this file, and its chart")
    arguments = parser.parse_args()
    machine = describe_machine()
    cards = [invent_sample(level, SEED + number) for number in range(arguments.cards) for level in LEVELS]
    found = measure(peers(usable_cores()), cards, arguments.rounds)
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    text = f"{as_markdown(found, cards)}\n\n{NOTES}\n\nMeasured on: {facts}."
    Console().print(text, markup=False, soft_wrap=True)
    if arguments.markdown:
        replace_block(arguments.markdown, "peers", text)
        CHART.write_text(as_svg(TITLE, as_bars(found, cards)), encoding="utf-8")


def measure(contenders: Sequence[Peer], cards: Sequence[Sample], rounds: int) -> list[Measured]:
    """Let each engine read all cards once a round, in alternating order so that noise hits all alike."""
    runs: dict[str, list[Run]] = {peer.name: [] for peer in contenders}
    with ExitStack() as stack, Progress(console=Console(file=sys.stderr), transient=True) as progress:
        loops = {peer.name: stack.enter_context(Loop(peer.open, peer.jobs)) for peer in contenders}
        for loop in loops.values():
            loop.read(cards[:3])
        task = progress.add_task("", total=rounds * len(loops))
        for number in range(rounds):
            for name in list(loops)[:: -1 if number % 2 else 1]:
                progress.update(task, description=f"Round {number + 1} of {rounds}: {name}")
                runs[name].append(loops[name].read(cards))
                progress.advance(task)
        return [Measured(name, runs[name], loop.peak_memory()) for name, loop in loops.items()]


def as_markdown(found: Sequence[Measured], cards: Sequence[Sample]) -> str:
    """The table; speeds are medians, and ratios are taken against the first row's."""
    rows = [
        ("engine", "cards/s", "of ours", "CPU s/card", "of ours", "peak MiB", *LEVELS),
        ("---", *(["---:"] * (5 + len(LEVELS)))),
    ]
    own = found[0]
    for each in found:
        speed, own_speed = (len(cards) / median(run.seconds for run in one.runs) for one in (each, own))
        cpu, own_cpu = (median(run.cpu_seconds for run in one.runs) / len(cards) for one in (each, own))
        right = [_share(count_right(cards, each.runs[0], level)) for level in LEVELS]
        rows.append(
            (
                *(each.name, f"{speed:.2f}", f"{speed / own_speed:.0%}"),
                *(f"{cpu:.3f}", f"{cpu / own_cpu:.1f} times", f"{each.memory:.0f}", *right),
            )
        )
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    count, rounds = len(cards) // len(LEVELS), len(own.runs)
    return f"{count} cards a level, {rounds} rounds; contract fields right by level:\n\n{table}"


def as_bars(found: Sequence[Measured], cards: Sequence[Sample]) -> list[Bar]:
    """The engines for the chart."""
    bars = []
    for each in found:
        by_level = [count_right(cards, each.runs[0], level) for level in LEVELS]
        share = sum(right for right, _ in by_level) / sum(total for _, total in by_level)
        rate = len(cards) / median(run.seconds for run in each.runs)
        bars.append(Bar(each.name, rate, f"{share:.1%} of fields right"))
    return bars


def _share(right_of: tuple[int, int]) -> str:
    right, total = right_of
    return f"{right} of {total}"


if __name__ == "__main__":
    main()
