"""Computes what the layers before the last ones see of training lines, which training leaves as they are."""

import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper

from service.reading.ocr.recognition import line_tensor
from service.reading.ocr.shapes import LineSize
from tools.models.derive import FOLDER
from tools.recogniser.lines import draw_line
from tools.recogniser.texts import invent_text

#: Lines in one shard.
SHARD = 1000

#: Output of the layers that stay: channels for every fourth pixel.
OUTPUT = "row"


@dataclass(frozen=True, slots=True)
class Shard:
    """Features of some lines."""

    texts: Sequence[str]
    #: Channels x steps of each line.
    features: Sequence[npt.NDArray[np.float16]]


def make_shards(faces: Sequence[Path], folder: Path, count: int, processes: int) -> None:
    """Write those of the shards 0 to ``count`` - 1 that ``folder`` lacks.

    Each depends on its number, the faces, and the models that are shipped.
    """
    todo = [number for number in range(count) if not (folder / f"{number}.npz").exists()]
    with ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_prepare, initargs=(faces, folder)
    ) as pool:
        for _ in pool.map(_make_shard, todo):
            pass


def read_shard(path: Path) -> Shard:
    """Return a shard."""
    with np.load(path) as stored:
        widths, features = stored["widths"], stored["features"]
        texts = str(stored["texts"]).split("\n")
    ends = np.cumsum(widths)
    return Shard(texts, [features[:, end - width : end] for end, width in zip(ends, widths, strict=True)])


_made: list[tuple[list[ort.InferenceSession], Sequence[Path], Path]] = []


def _prepare(faces: Sequence[Path], folder: Path) -> None:
    cv2.setNumThreads(1)
    sessions = [_session(FOLDER / name) for name in ("recogniser-int8.onnx", "recogniser.onnx")]
    _made.append((sessions, faces, folder))


def _session(path: Path) -> ort.InferenceSession:
    model = onnx.load(str(path))
    kept: list[onnx.NodeProto] = []
    for node in model.graph.node:
        kept.append(node)
        if OUTPUT in node.output:
            break
    del model.graph.node[:]
    model.graph.node.extend(kept)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, None))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def _sizes(rng: random.Random) -> tuple[int, LineSize]:
    """Which network reads the line, and at which size: a CPU small first, a GPU at full height."""
    if rng.random() < 0.7:
        return 0, LineSize(32, rng.uniform(0.75, 1.2))
    return rng.choice((0, 1)), LineSize(48, rng.uniform(0.7, 1.3))


def _make_shard(number: int) -> None:
    ((sessions, faces, folder),) = _made
    rng = random.Random(f"lines {number}")
    texts, features = [], []
    for _ in range(SHARD):
        text = invent_text(rng)
        which, size = _sizes(rng)
        line = draw_line(text, faces, rng, size)
        (seen,) = sessions[which].run([OUTPUT], {"x": line_tensor(line)})
        texts.append(text)
        features.append(np.asarray(seen[0, :, 0], np.float16))
    path = folder / f"{number}.part"
    with path.open("wb") as file:
        np.savez(
            file,
            widths=np.array([one.shape[1] for one in features]),
            features=np.concatenate(features, axis=1),
            texts=np.array("\n".join(texts)),
        )
    path.rename(folder / f"{number}.npz")
