"""Renders training lines once, and keeps them in shards."""

import random
import string
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch

from service.reading.ocr.engine import Image
from service.reading.ocr.shapes import LINE_HEIGHT, LineSize
from tools.recogniser.digits import machine_digits
from tools.recogniser.lines import draw_line
from tools.recogniser.texts import invent_text

#: Lines in one shard.
SHARD = 1000

#: Share of the lines that are drawn at the height of a worker's first look, the others at full height.
_SMALL_SHARE, _SMALL_HEIGHT = 0.88, 32

#: Shards with more of what cards rarely print: digits for machines, and light print on dark; their shares.
RARE_SHARDS = range(64, 96)
_MACHINE_SHARE, _INVERSE_SHARE = 0.2, 0.3

#: Widths relative to a line's own.
_STRETCH = (0.75, 1.15)

#: Longest lines, and pixels of all lines in one batch, as widths at ``_SMALL_HEIGHT``.
_MAX_WIDTH, _BATCH_WIDTH = 600, 20_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of about one length."""

    #: Lines x 1 x height x width, from -1 to 1, padded with zeros.
    images: torch.Tensor
    #: Steps of each line, of four pixels.
    steps: torch.Tensor
    texts: Sequence[str]
    #: Its shard, and which batch of that it is.
    place: tuple[int, int]


def make_shards(faces: Sequence[Path], folder: Path, count: int, processes: int) -> None:
    """Write those of the shards 0 to ``count`` - 1 that ``folder`` lacks; each depends on its number only."""
    todo = [number for number in range(count) if not (folder / f"{number}.npz").exists()]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for _ in pool.map(partial(_make_shard, faces, folder), todo):
            pass


def batches(folder: Path, number: int, rng: random.Random) -> Iterator[Batch]:
    """Yield the lines of a shard in batches, in random order."""
    lines, texts = _read_shard(folder / f"{number}.npz")
    order = sorted(
        (index for index, line in enumerate(lines) if _width(line) <= _MAX_WIDTH),
        key=lambda index: lines[index].shape,
    )
    groups: list[list[int]] = [[]]
    for index in order:
        group, line = groups[-1], lines[index]
        is_full = (len(group) + 1) * _width(line) > _BATCH_WIDTH
        if group and (is_full or len(lines[group[0]]) != len(line)):
            groups.append([])
        groups[-1].append(index)
    places = [*range(len(groups))]
    rng.shuffle(places)
    for place in places:
        group = groups[place]
        chosen = [lines[index] for index in group]
        steps = torch.tensor([-(-line.shape[1] // 4) for line in chosen])
        yield Batch(tensor_of(chosen), steps, [texts[index] for index in group], (number, place))


def tensor_of(lines: Sequence[Image]) -> torch.Tensor:
    """Return lines of one height as lines x 1 x height x width, padded to whole steps of the longest."""
    width = -(-max(line.shape[1] for line in lines) // 4) * 4
    images = np.full((len(lines), 1, len(lines[0]), width), 127.5, np.float32)
    for image, line in zip(images, lines, strict=True):
        image[0, :, : line.shape[1]] = line
    return torch.from_numpy((images - 127.5) / 127.5)


def _width(line: Image) -> float:
    height, width = line.shape
    return float(width * height / _SMALL_HEIGHT)


def _make_shard(faces: Sequence[Path], folder: Path, number: int) -> None:
    cv2.setNumThreads(1)
    rng = random.Random(f"distil {number}")
    drawn: list[tuple[Image, str]] = []
    for _ in range(SHARD):
        text = invent_text(rng)
        height = _SMALL_HEIGHT if rng.random() < _SMALL_SHARE else LINE_HEIGHT
        size = LineSize(height, rng.uniform(*_STRETCH))
        kind = rng.random() if number in RARE_SHARDS else 1.0
        if kind < _MACHINE_SHARE:
            text = rng.choice((":", ":", ": ", "")) + "".join(rng.choices(string.digits, k=16))
        digits = machine_digits(rng) if kind < _MACHINE_SHARE else None
        inverse = _MACHINE_SHARE <= kind < _MACHINE_SHARE + _INVERSE_SHARE
        drawn.append((draw_line(text, faces, rng, size, digits=digits, inverse=inverse), text))
    drawn.sort(key=lambda pair: len(pair[0]))
    path = folder / f"{number}.part"
    with path.open("wb") as file:
        np.savez(
            file,
            shapes=np.array([line.shape for line, _ in drawn]),
            pixels=np.concatenate([line.reshape(-1) for line, _ in drawn]),
            texts=np.array("\n".join(text for _, text in drawn)),
        )
    path.rename(folder / f"{number}.npz")


def _read_shard(path: Path) -> tuple[list[Image], Sequence[str]]:
    with np.load(path) as stored:
        shapes, pixels = stored["shapes"], stored["pixels"]
        texts = str(stored["texts"]).split("\n")
    pieces = np.split(pixels, np.cumsum(shapes.prod(axis=1))[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)], texts
