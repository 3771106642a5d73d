"""What the engine read on drawn cards, kept on disk: fitting and judging the decision read no card twice."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from bench.accuracy.levels import Level
from bench.accuracy.samples import invent_sample
from bench.accuracy.seeds import Card
from service.errors import DocumentError
from service.reading.documents.fields import DocumentType
from service.reading.ocr.engine import Engine, Image, PageText, TextLine
from service.reading.ocr.loading import load_engine, warm_up
from service.reading.pages import read_pages
from service.reading.reader import cards_on, doubtful_lines, judge_pages

#: Where readings are kept by default.
CACHE = Path("build/accuracy/readings")


@dataclass(frozen=True, slots=True)
class CardReading:
    """One drawn card as the engine read it."""

    level: str
    seed: int
    document_type: DocumentType
    truth: Mapping[str, str]
    #: What the engine returned for each page of the file; empty if the file was refused. Looking again finds
    #: the lines of contract fields only.
    pages: tuple[PageText, ...]


def readings(
    jobs: Sequence[Card], cache: Path, processes: int, *, kept: bool = False
) -> Iterator[CardReading]:
    """Read the cards with these levels and seeds, unless the cache has them.

    Parameters:
        kept: leave out cards that the cache does not have
    """
    cache.mkdir(parents=True, exist_ok=True)
    if kept:
        jobs = [job for job in jobs if _path(cache, *job).exists()]
    missing = [job for job in jobs if not _path(cache, *job).exists()]
    if missing:
        with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_prepare) as pool:
            for future in as_completed([pool.submit(_read_to, cache, *job) for job in missing]):
                future.result()
    for job in jobs:
        yield _load(_path(cache, *job))


_engines: list[Engine] = []


def _prepare() -> None:
    cv2.setNumThreads(1)
    _engines.append(load_engine("onnx"))
    warm_up(_engines[0])


def _read_to(cache: Path, level: Level, seed: int) -> None:
    sample = invent_sample(level, seed)
    try:
        read = [_engines[0].read(page) for page in read_pages(sample.content)]
    except DocumentError:
        read = []
    pages = _with_second_looks(sample.document_type, read)
    reading = CardReading(level, seed, sample.document_type, sample.truth, pages)
    path = _path(cache, level, seed)
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(_packed(reading)))
    part.rename(path)


@dataclass(frozen=True, slots=True)
class _SecondLooks:
    """Second looks that the engine took before."""

    seen: Mapping[TextLine, TextLine]

    def __call__(self, lines: Sequence[TextLine]) -> list[TextLine]:
        return [self.seen.get(line, line) for line in lines]


def _with_second_looks(document_type: DocumentType, pages: Sequence[PageText]) -> tuple[PageText, ...]:
    if not pages:
        return ()
    found = judge_pages(document_type, [card for page in pages for card in cards_on(page)])
    lines = doubtful_lines(found, 1.0, 1.0)
    seen = found.page.look_again(lines) if found.page.look_again else lines
    looks = _SecondLooks(dict(zip(lines, seen, strict=True)))
    return tuple(_looking_again(page, looks) for page in pages)


def _looking_again(page: PageText, looks: _SecondLooks) -> PageText:
    others = tuple(_looking_again(other, looks) for other in page.other_cards)
    return replace(page, look_again=looks, other_cards=others)


def _path(cache: Path, level: Level, seed: int) -> Path:
    return cache / f"{level}-{seed}.pickle"


def _packed(reading: CardReading) -> tuple[CardReading, list[bytes]]:
    """Return the reading with empty images, and the images of its texts as PNG."""
    images = [_png(text.image) for text in _all_texts(reading.pages)]
    return replace(reading, pages=tuple(map(_without_image, reading.pages))), images


def _load(path: Path) -> CardReading:
    reading: CardReading
    reading, images = pickle.loads(path.read_bytes())
    waiting = iter(images)
    return replace(reading, pages=tuple(_with_image(text, waiting) for text in reading.pages))


def _all_texts(texts: Sequence[PageText]) -> Iterator[PageText]:
    for text in texts:
        yield text
        yield from _all_texts(text.other_cards)


def _without_image(text: PageText) -> PageText:
    others = tuple(map(_without_image, text.other_cards))
    return replace(text, image=np.zeros((0, 0), np.uint8), other_cards=others)


def _with_image(text: PageText, images: Iterator[bytes]) -> PageText:
    decoded = cv2.imdecode(np.frombuffer(next(images), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    image = np.asarray(decoded, np.uint8)
    others = tuple(_with_image(each, images) for each in text.other_cards)
    return replace(text, image=image, other_cards=others)


def _png(image: Image) -> bytes:
    return bytes(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
