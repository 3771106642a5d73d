"""Orientation of a page: quarter turns and skew, estimated from its lines before they are recognised."""

from collections.abc import Iterable, Sequence
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import Quad, cut_line, quad_size, turn_quad
from service.reading.ocr.sessions import Network

#: Input of the direction classifier: height and width in pixels.
CLASSIFIER_SIZE = (48, 192)

#: How many of the widest lines vote.
MAX_VOTERS = 7

#: How many vote first. If they agree the others are not classified: they are needed on one page in eleven.
FIRST_VOTERS = 3

#: With fewer lines there is no vote: single lines are misclassified too often.
MIN_VOTERS = 2

#: Aspect ratio from which a box shows the direction of its text.
MIN_ELONGATION = 1.5


def quarter_turns(network: Network, page: Image, quads: Sequence[Quad]) -> int:
    """Return how many clockwise quarter turns, 0 to 3, make the page upright.

    Raises:
        EngineError: see ``Network.run``.
    """
    sidedirections = runs_down(quads)
    voters = sorted(quads, key=lambda quad: max(quad_size(quad)), reverse=True)[:MAX_VOTERS]
    lines = (cut_line(page, turn_quad(quad, int(sidedirections)), *CLASSIFIER_SIZE) for quad in voters)
    return int(sidedirections) + 2 * is_upside_down(network, lines)


def runs_down(quads: Sequence[Quad]) -> bool:
    """Whether most of the text, by length, runs up or down the page instead of across."""
    balance = 0.0
    for quad in quads:
        if _is_elongated(quad):
            across, down = quad_size(quad)
            balance += across - down
    return balance < 0


def _is_elongated(quad: Quad) -> bool:
    across, down = quad_size(quad)
    return max(across, down) > MIN_ELONGATION * min(across, down)


def skew(quads: Sequence[Quad]) -> float:
    """Return the skew of an upright page: degrees by which its longer lines fall to the right."""
    directions = np.array([quad[1] - quad[0] for quad in quads if _is_elongated(quad)])
    if not len(directions):
        return 0.0
    longest = directions[np.argsort(-np.hypot(*directions.T))][: max(1, len(directions) // 2)]
    return float(np.median(np.degrees(np.arctan2(longest[:, 1], longest[:, 0]))))


def is_upside_down(network: Network, lines: Iterable[Image]) -> bool:
    """Whether lines of the classifier's height are upside down, by a vote weighted with certainty."""
    lines = iter(lines)
    first = [*islice(lines, FIRST_VOTERS)]
    if len(first) < MIN_VOTERS:
        return False
    votes = _votes(network, first)
    if abs(np.sign(votes).sum()) < len(votes) and (others := [*lines]):
        votes = np.concatenate((votes, _votes(network, others)))
    return bool(votes.sum() < 0)


def _votes(network: Network, lines: Sequence[Image]) -> npt.NDArray[np.float32]:
    """Return for each line from -1 (certainly upside down) to 1 (certainly upright)."""
    height, width = CLASSIFIER_SIZE
    batch = np.zeros((len(lines), 1, height, width), np.float32)
    for place, line in zip(batch, lines, strict=True):
        place[:, :, : line.shape[1]] = cv2.dnn.blobFromImage(line, 1 / 127.5, mean=(127.5,))[0]
    upright, turned = network.run(batch)[0].T
    return np.asarray(upright - turned, np.float32)
