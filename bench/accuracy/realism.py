"""`make realism`: how close the drawn pictures come to real ones, in figures.

``real_cards.json`` holds percentiles over 60 pictures of real KTPs: sizes in pixels, ``softness``,
``contrast`` and ``ground`` as ``quality`` measures them, the mean of the JPEG's luminance table, the share of
pixels of 250 and above, the confidence in the name, the distance of the outermost text from the picture's
left or right edge as a share of its width, and the gaps between words and between letters in cap heights.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image as Pictures

from bench.accuracy.levels import Level
from bench.accuracy.samples import invent_sample
from bench.accuracy.word_gaps import measure_gaps
from service.reading.ocr.engine import Engine, PageText
from service.reading.ocr.geometry import cut_line
from service.reading.ocr.loading import load_engine
from service.reading.ocr.recognition import MAX_LINE, Recogniser
from service.reading.ocr.sessions import load_network
from service.reading.ocr.shapes import LINE_HEIGHT
from service.reading.quality.boxes import boxes_of
from service.reading.quality.strokes import measure_strokes
from service.reading.reader import Reading, read_document

#: What the real pictures are: about half cropped, a third treated by an app, the rest forwarded or worn.
LEVELS: tuple[Level, ...] = ("cropped", "cropped", "messenger", "app", "app", "worn")

#: Fields of the value column, whose rows give the pitch.
_COLUMN = ("name", "gender", "address", "rtRw", "village", "district", "religion", "occupation")

#: Percentiles that are compared, and by how much of the real spread (90th less 10th) a drawn one may be off.
_COMPARED, _TOLERANCE = (10, 50, 90), 1 / 3

_REAL = Path(__file__).with_name("real_cards.json")

#: The figures of one picture; gaps are many to a picture.
_Figures: TypeAlias = Mapping[str, Sequence[float]]


def main() -> int:
    """Print drawn beside real percentiles; return 1 if one of the figures is off."""
    options = _options()
    real: Mapping[str, Mapping[str, float]] = json.loads(_REAL.read_text())
    # Three cards in four are KTPs, and only those were measured.
    seeds = [seed for seed in range(options.seed, options.seed + options.cards) if seed % 4 != 3]
    jobs = [(level, seed + number) for number, level in enumerate(LEVELS) for seed in seeds]
    with ProcessPoolExecutor(2, get_context("spawn"), initializer=_prepare) as pool:
        measured = [*pool.map(_measure, jobs)]
    rows, is_close = [], True
    for figure, percentiles in real.items():
        values = [value for one in measured for value in one.get(figure, ())]
        drawn = np.percentile(values, _COMPARED)
        spread = (percentiles["90"] - percentiles["10"]) * _TOLERANCE
        off = [abs(one - percentiles[str(at)]) > spread for one, at in zip(drawn, _COMPARED, strict=True)]
        is_close &= not any(off)
        verdict = "off" if any(off) else "close"
        cells = (f"{percentiles[str(at)]:.3g} / {one:.3g}" for one, at in zip(drawn, _COMPARED, strict=True))
        rows.append(f"| {figure} | {len(values)} | {' | '.join(cells)} | {verdict} |")
    print("| figure | drawn | 10 %, real / drawn | 50 % | 90 % | within a third of the spread |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    print("\n".join(rows))
    return 0 if is_close else 1


_engines: list[Engine] = []
_recognisers: list[Recogniser] = []


def _prepare() -> None:
    os.environ["OMP_THREAD_LIMIT"] = "1"
    cv2.setNumThreads(1)
    _engines.append(load_engine("onnx"))
    _recognisers.append(Recogniser(load_network("recogniser-int8", "cpu")))


def _measure(job: tuple[Level, int]) -> _Figures:
    level, seed = job
    if seed % 4 == 3:
        return {}
    sample = invent_sample(level, seed)
    reading = read_document(sample.content, "KTP", _engines[0])
    picture = sample.shown
    assert picture is not None
    height, width = picture.shape[:2]
    words, letters = _gaps(reading.page)
    strokes = measure_strokes(reading.page.image, boxes_of(reading.page.image, reading.page.lines))
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return {
        "width": [width],
        "aspect": [max(width, height) / min(width, height)],
        "row_pitch": [*_row_pitch(reading)],
        "softness": [float(np.median(strokes.softness))],
        "contrast": [float(np.median(strokes.contrast))],
        "ground": [float(np.median(strokes.background))],
        "jpeg_mean_luma_q": [_mean_quantiser(sample.content)],
        "burnt_share": [float((grey >= 250).mean())],
        "name_confidence": [field.confidence for key, field in reading.fields.items() if key == "name"],
        "margin_share": [_margin(reading.page)],
        "word_gap": words,
        "letter_gap": letters,
    }


def _row_pitch(reading: Reading) -> Iterator[float]:
    tops = sorted({field.box[0][1] for key, field in reading.fields.items() if field.box and key in _COLUMN})
    if len(tops) > 1:
        yield median(lower - upper for upper, lower in pairwise(tops))


def _mean_quantiser(content: bytes) -> float:
    with Pictures.open(io.BytesIO(content)) as picture:
        tables: Mapping[int, Sequence[int]] = getattr(picture, "quantization", {})
    return float(np.mean(tables[0]))


def _margin(page: PageText) -> float:
    width = page.image.shape[1]
    left = min((line.left for line in page.lines), default=0)
    right = width - max((line.right for line in page.lines), default=width)
    return float(max(0.0, min(left, right) / width))


def _gaps(page: PageText) -> tuple[list[float], list[float]]:
    """Gaps between words, where a blank was read, and between letters of lines in capitals."""
    lines = [line for line in page.lines if sum(map(str.isupper, line.text)) > 4 and line.text.isupper()]
    strips = [cut_line(page.image, np.array(line.box, np.float32), LINE_HEIGHT, MAX_LINE) for line in lines]
    words: list[float] = []
    letters: list[float] = []
    for strip, read in zip(strips, _recognisers[0].read_all(strips), strict=True):
        solid = [
            (offset, one.text, one.middle) for offset, one in enumerate(read.characters) if one.text != " "
        ]
        found = measure_gaps(strip, [middle for _, _, middle in solid])
        for (at, text, _), (at2, text2, _), gap in zip(solid, solid[1:], found, strict=False):
            if text.isalpha() and text2.isalpha():
                (letters if at2 == at + 1 else words).append(float(gap))
    return words, letters


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy.realism", description=__doc__)
    parser.add_argument("--cards", type=int, default=40, help="cards of each level")
    parser.add_argument("--seed", type=int, default=0, help="the first card's")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
