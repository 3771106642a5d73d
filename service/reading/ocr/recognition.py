"""What a line says: a straight picture of a line becomes text with a confidence."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image
from service.reading.ocr.sessions import Network, Tensor

#: Pixels; longer lines are squeezed, since time and memory grow faster than the length.
MAX_LINE = 3200

#: The network reads in steps of this many pixels.
STEP = 8

#: Pixels; less than two steps cannot hold a character.
MIN_LINE = 2 * STEP


@dataclass(frozen=True, slots=True)
class LineText:
    """What a line says, and how sure that is."""

    text: str
    #: 0 to 1: the mean over the characters of the certainty with which each begins.
    confidence: float
    #: 0 to 1: how sure the network is of the character that it is least sure of, blanks apart.
    least: float
    #: 0 to 1 for each character: how sure the network is that nothing stands between it and the one before.
    joints: tuple[float, ...] = ()
    #: Of each character: how many of the network's steps it lasts.
    steps: tuple[int, ...] = ()


class Recogniser:
    """Reads straight pictures of lines, one at a time.

    Parameters:
        network: the model derived with its best class, and that class's probability, as outputs.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._characters = ["", *network.metadata("character").split("\n")]

    def read_all(self, lines: Sequence[Image]) -> list[LineText]:
        """Read lines, for example all of a page, and return their texts in the same order.

        Raises:
            EngineError: as ``Network.run``.
        """
        # All are made ready first: one by one, between runs of the network, each finds the caches cold.
        read = self._network.run_all([line_tensor(line) for line in lines])
        return [decode(classes[0], certainty[0], self._characters) for classes, certainty in read]


def line_tensor(line: Image) -> Tensor:
    """Return a line as the network wants it, filled up with grey to whole steps."""
    width = line.shape[1]
    wanted = max(MIN_LINE, -(-width // STEP) * STEP)
    if wanted > width:
        line = np.asarray(
            cv2.copyMakeBorder(line, 0, 0, 0, wanted - width, cv2.BORDER_CONSTANT, value=(127.5,)),
            np.uint8,
        )
    return np.asarray(cv2.dnn.blobFromImage(line, 1 / 127.5, mean=(127.5,)), np.float32)


def decode(
    classes: npt.NDArray[np.int64], certainty: npt.NDArray[np.float32], characters: Sequence[str]
) -> LineText:
    """Turn steps into text as CTC does: a run of one class is one character, class 0 only separates.

    Both confidences are 0 where there are no characters.
    """
    read: list[str] = []
    begun: list[float] = []
    surest: list[float] = []
    joints: list[float] = []
    steps: list[int] = []
    last, joint = 0, 1.0
    # Steps are few: a plain loop is faster than arrays.
    for index, sure in zip(classes.tolist(), certainty.tolist(), strict=True):
        if index and index != last:
            read.append(characters[index])
            begun.append(sure)
            surest.append(sure)
            joints.append(joint)
            steps.append(1)
            joint = 1.0
        elif index:
            # The network grows sure of a character while it passes.
            surest[-1] = max(surest[-1], sure)
            steps[-1] += 1
        else:
            joint = min(joint, sure)
        last = index
    visible = [sure for sure, character in zip(surest, read, strict=True) if character != " "]
    confidence = sum(begun) / len(begun) if begun else 0.0
    return LineText("".join(read), confidence, min(visible, default=0.0), tuple(joints), tuple(steps))
