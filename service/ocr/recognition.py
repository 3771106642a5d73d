"""What a line says: a straight picture of a line becomes text with a confidence."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from service.ocr.engine import Image
from service.ocr.sessions import Network, Tensor

#: Pixels; the only height the network takes.
LINE_HEIGHT = 48

#: Pixels; longer lines are squeezed, since time and memory grow faster than the length.
LONGEST_LINE = 3200

#: The network reads in steps of this many pixels.
STEP = 8

#: Pixels; less than two steps cannot hold a character.
SHORTEST_LINE = 2 * STEP


class Recogniser:
    """Reads straight pictures of lines, one at a time.

    Parameters:
        network: the model derived with its best class, and that class's probability, as outputs.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._characters = ["", *network.metadata("character").split("\n")]

    def read(self, line: Image) -> tuple[str, float]:
        """Return the text of one line and how sure it is, 0 to 1.

        Raises:
            EngineError: as ``Network.run``.
        """
        classes, certainty = self._network.run(line_tensor(line))
        return decode(classes[0], certainty[0], self._characters)


def line_tensor(line: Image) -> Tensor:
    """Return a line of ``LINE_HEIGHT`` as the network wants it, filled up with grey to whole steps."""
    width = line.shape[1]
    wanted = max(SHORTEST_LINE, -(-width // STEP) * STEP)
    filled = cv2.copyMakeBorder(
        line, 0, 0, 0, wanted - width, cv2.BORDER_CONSTANT, value=(127.5, 127.5, 127.5)
    )
    return np.asarray(cv2.dnn.blobFromImage(filled, 1 / 127.5, mean=(127.5, 127.5, 127.5)), np.float32)


def decode(
    classes: npt.NDArray[np.int64], certainty: npt.NDArray[np.float32], characters: Sequence[str]
) -> tuple[str, float]:
    """Turn steps into text as CTC does: a run of one class is one character, class 0 only separates.

    The confidence is the mean certainty of the steps at which a character begins; 0 without characters.
    """
    begins = (classes != 0) & (classes != np.concatenate(([0], classes[:-1])))
    if not begins.any():
        return "", 0.0
    text = "".join(characters[index] for index in classes[begins])
    return text, float(certainty[begins].mean())
