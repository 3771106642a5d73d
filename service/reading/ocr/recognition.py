"""Text recognition: the straightened image of a line becomes text with a confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image
from service.reading.ocr.sessions import Network, Tensor

#: Pixels. Longer lines are squeezed: time and memory grow faster than the length.
MAX_LINE = 3200

#: Width in pixels of one time step of the network.
STEP = 4

#: The colon before a value is among so many characters, with the last letter of its label or a blank.
_COLON_WITHIN = 4

#: Pixels. Narrower lines are filled up.
MIN_LINE = 4 * STEP


class Character(NamedTuple):
    """One recognised character."""

    text: str
    #: How probably nothing stands between this character and the one before, 0 to 1.
    joint: float = 1.0
    #: The network's certainty at its clearest step, 0 to 1.
    certainty: float = 1.0
    #: Its middle as a share of the line's width.
    middle: float = 0.0


@dataclass(frozen=True, slots=True)
class LineText:
    """The text of a line, with confidences."""

    characters: tuple[Character, ...]
    #: Mean certainty of the characters, 0 to 1.
    confidence: float
    #: Certainty of the least certain character, 0 to 1, but for blanks and what is before a value's colon.
    min_certainty: float
    #: How often the line was recognised, and whether the readings differ in more than blanks beside marks.
    looks: int = 1
    looks_differ: bool = False

    @property
    def blank_doubt(self) -> float:
        """How probably a blank or mark between two capitals was missed, or a blank is none, 0 to 1."""
        doubts = (
            1 - (one.certainty if one.text == " " else one.joint)
            for before, one in pairwise(self.characters)
            if before.text.isupper() and (one.text == " " or one.text.isupper())
        )
        return max(doubts, default=0.0)

    @property
    def text(self) -> str:
        """The characters as a string."""
        return "".join([character.text for character in self.characters])


class Recogniser:
    """Recognises straightened images of lines.

    Parameters:
        network: a derived model; its outputs are the best class of each step, its probability, and that of a
            blank or a mark
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._alphabet = ["", *network.metadata("character").split("\n")]

    def read_all(self, lines: Sequence[Image]) -> list[LineText]:
        """Recognise lines, for example all of a page; the results are in the same order.

        Raises:
            EngineError: see ``Network.run``.
        """
        # All tensors are prepared first: prepared between runs of the network, each would find cold caches.
        outputs = self._network.run_all([line_tensor(line) for line in lines])
        return [
            decode(classes[0], certainty[0], between[0], self._alphabet, line.shape[1] / STEP)
            for line, (classes, certainty, between) in zip(lines, outputs, strict=True)
        ]


def line_tensor(line: Image) -> Tensor:
    """Return the network's input for a line, padded with grey to whole steps."""
    width = line.shape[1]
    padded_width = max(MIN_LINE, -(-width // STEP) * STEP)
    if padded_width > width:
        line = np.asarray(
            cv2.copyMakeBorder(line, 0, 0, 0, padded_width - width, cv2.BORDER_CONSTANT, value=(127.5,)),
            np.uint8,
        )
    return np.asarray(cv2.dnn.blobFromImage(line, 1 / 127.5, mean=(127.5,)), np.float32)


def decode(
    classes: npt.NDArray[np.int64],
    certainty: npt.NDArray[np.float32],
    between: npt.NDArray[np.float32],
    alphabet: Sequence[str],
    width: float | None = None,
) -> LineText:
    """Decode a sequence of steps by CTC: a run of one class is one character; class 0 is the CTC blank.

    ``width`` is that of the line in steps, without padding. Confidences are 0 without characters.
    """
    read: list[str] = []
    certainties: list[float] = []
    joints: list[float] = []
    steps: list[int] = []
    starts: list[int] = []
    previous, apart = 0, 0.0
    rows = zip(classes.tolist(), certainty.tolist(), between.tolist(), strict=True)
    # There are few steps: a plain loop is faster than arrays.
    for step, (index, sure, mark) in enumerate(rows):
        if index and index != previous:
            read.append(alphabet[index])
            certainties.append(sure)
            joints.append(1 - apart)
            steps.append(1)
            starts.append(step)
            apart = 0.0
        elif index:
            # The certainty of a character grows over its steps.
            certainties[-1] = max(certainties[-1], sure)
            steps[-1] += 1
        if not index or alphabet[index].isalnum():
            apart = max(apart, mark)
        previous = index
    behind = _value_starts(read)
    visible = [sure for sure, one in zip(certainties[behind:], read[behind:], strict=True) if one != " "]
    confidence = sum(certainties) / len(read) if read else 0.0
    wide = width or len(classes)
    middles = [(start + lasts / 2) / wide for start, lasts in zip(starts, steps, strict=True)]
    characters = tuple(map(Character, read, joints, certainties, middles))
    return LineText(characters, confidence, min(visible, default=0.0))


def _value_starts(read: Sequence[str]) -> int:
    """Return the index behind the colon that starts a value, after the end of its label at most, or 0."""
    behind = max((index + 1 for index, one in enumerate(read[:_COLON_WITHIN]) if one == ":"), default=0)
    return behind if behind < len(read) else 0
