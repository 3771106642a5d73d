"""`make blanks`: fit the models of ``service/reading/ocr/lost_blanks.py``, and say what they find.

Two logistic models, by Newton's method on the log-loss with a slight penalty on large coefficients.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from bench.accuracy.levels import Level
from bench.accuracy.samples import invent_sample
from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import Quad, cut_line
from service.reading.ocr.lost_blanks import (
    MIN_PROBABILITY,
    MIN_SUSPICION,
    SECOND_LOOK,
    Gap,
    features_of,
    with_second_look,
)
from service.reading.ocr.onnx import OnnxEngine
from service.reading.ocr.recognition import MAX_LINE, LineText
from service.reading.ocr.shapes import LINE_HEIGHT
from service.reading.ocr.word_gaps import with_gaps
from service.reading.pages import read_pages

#: The fitted coefficients.
TARGET = Path("service/reading/ocr/lost_blanks.json")

#: Cards of these levels, with seeds from the first on; no other purpose has them.
LEVELS: Sequence[Level] = ("flat", "photo", "cropped", "messenger", "app", "worn", "screen", "hard")
FIRST_SEED = 700_000

#: Names of the coefficients behind the intercept.
FEATURES: Mapping[str, Sequence[str]] = {
    "suspicion": ("first", "width", "spelling"),
    "blank": ("first", "width", "spelling", "second"),
}

#: Fields whose printed text holds blanks that matter.
FIELDS = ("name", "birthPlace", "address")

#: Letters and digits that a line has in common with a field, at least.
MIN_COMMON = 5

#: Parts of the cards; each is judged by models that were fitted on the others.
FOLDS = 5

_PENALTY = 0.1

_Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Adjacent:
    """Two capitals that were read as adjacent, and whether a blank is printed between them."""

    seed: int
    gap: Gap
    is_lost: bool


class _Looking(OnnxEngine):
    """Keeps every line with its gaps and its second look."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[LineText, LineText]] = []

    def _restore_blanks(
        self, image: Image, quads: Sequence[Quad], read: Sequence[LineText]
    ) -> list[LineText]:
        lines = [
            with_gaps(line, cut_line(image, quad, LINE_HEIGHT, MAX_LINE))
            for line, quad in zip(read, quads, strict=True)
        ]
        self.seen += zip(lines, self._look_again(image, quads, SECOND_LOOK), strict=True)
        return super()._restore_blanks(image, quads, read)


def main() -> None:
    """Fit on all cards, write the coefficients, and print what is found on cards that did not fit them."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy.blanks", description=__doc__)
    parser.add_argument("--cards", type=int, default=60, help="cards of each level")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.cards)
    with ProcessPoolExecutor(options.processes, get_context("spawn"), initializer=_prepare) as pool:
        found = [*chain.from_iterable(pool.map(_look_at, seeds))]
    models = {name: fit(found, name) for name in FEATURES}
    TARGET.write_text(
        json.dumps({name: _named(name, model) for name, model in models.items()}, indent=1) + "\n"
    )
    sys.stdout.write(f"{json.dumps(models)}\n\n{_table(found)}\n")


_engines: list[_Looking] = []


def _prepare() -> None:
    cv2.setNumThreads(1)
    _engines.append(_Looking())


def _look_at(seed: int) -> list[Adjacent]:
    """Read one card of each level."""
    (engine,) = _engines
    found: list[Adjacent] = []
    for level in LEVELS:
        sample = invent_sample(level, seed)
        engine.seen.clear()
        for page in read_pages(sample.content):
            engine.read(page)
        for line, second in engine.seen:
            for key in FIELDS:
                found += adjacent_capitals(seed, sample.truth.get(key, ""), line, second)
    return found


def adjacent_capitals(seed: int, printed: str, line: LineText, second: LineText) -> Iterator[Adjacent]:
    """Yield the adjacent capitals of a line that holds all or a part of a text, letter for letter."""
    own, all_printed = _letters(line.text), _letters(printed.upper())
    if min(len(own), len(all_printed)) < MIN_COMMON or not (all_printed in own or own in all_printed):
        return
    # Numbers of letters: of the line's first one in the text, or of the text's first one in the line.
    shift = all_printed.index(own) if own in all_printed else -own.index(all_printed)
    offsets = [offset for offset, one in enumerate(line.text) if one.isalnum()]
    between = _between(printed)
    for gap in with_second_look(line, second):
        number = offsets.index(gap.offset) + shift
        marks = between.get(number)
        if marks is not None and not marks.strip():
            yield Adjacent(seed, gap, bool(marks))


def _between(printed: str) -> dict[int, str]:
    """Return what is printed before each letter, by its number; nothing before the first."""
    offsets = [offset for offset, one in enumerate(printed) if one.isalnum()]
    return {
        number: printed[before + 1 : offset] for number, (before, offset) in enumerate(pairwise(offsets), 1)
    }


def _letters(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


def fit(found: Sequence[Adjacent], name: str) -> tuple[float, ...]:
    """Return intercept and coefficients of a model, rounded to three digits."""
    design = _design(found, name)
    lost = np.array([one.is_lost for one in found], np.float64)
    ridge = np.diag([0.0, *[_PENALTY] * (design.shape[1] - 1)])
    model = np.zeros(design.shape[1])
    for _ in range(100):
        probability = 1 / (1 + np.exp(-design @ model))
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + ridge
        model -= np.linalg.solve(
            curvature + 1e-9 * np.eye(len(model)), design.T @ (probability - lost) + ridge @ model
        )
    return tuple(round(float(value), 3) for value in model)


def _design(found: Sequence[Adjacent], name: str) -> _Floats:
    rows = [(1.0, *features_of(one.gap, with_second=name == "blank")) for one in found]
    return np.array(rows, np.float64)


def _table(found: Sequence[Adjacent]) -> str:
    """Say what is found on each part of the cards by models that were fitted on the others."""
    counts = dict.fromkeys(("adjacent", "lost", "looked at", "lost and looked at", "found", "invented"), 0)
    for fold in range(FOLDS):
        own = [one for one in found if one.seed % FOLDS == fold]
        others = [one for one in found if one.seed % FOLDS != fold]
        lost = np.array([one.is_lost for one in own])
        odds = {name: _design(own, name) @ np.array(fit(others, name)) for name in FEATURES}
        suspect = odds["suspicion"] > MIN_SUSPICION
        blank = suspect & (odds["blank"] > math.log(MIN_PROBABILITY / (1 - MIN_PROBABILITY)))
        for key, which in (
            ("adjacent", ~lost),
            ("lost", lost),
            ("looked at", suspect),
            ("lost and looked at", suspect & lost),
            ("found", blank & lost),
            ("invented", blank & ~lost),
        ):
            counts[key] += int(which.sum())
    rows = "\n".join(f"| {key} | {count} |" for key, count in counts.items())
    return f"| pairs of capitals that were read as adjacent | |\n| --- | ---: |\n{rows}"


def _named(name: str, model: Sequence[float]) -> dict[str, float]:
    return dict(zip(("intercept", *FEATURES[name]), model, strict=True))


if __name__ == "__main__":
    main()
