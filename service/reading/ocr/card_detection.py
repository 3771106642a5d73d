"""A card that lies on something: its outline is found, and the card made flat as if it had been scanned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import ColourImage, Image, Page
from service.reading.ocr.geometry import Quad, quad_size

#: Longer side over shorter one of an ID-1 card (ISO/IEC 7810: 85.6 x 54 mm).
CARD_ASPECT = 85.6 / 53.98

#: What a card looks like edge to edge, as longer side over shorter one.
FLAT_ASPECTS = (1.5, 1.68)

#: Pixels of the longest side of the copy on which the outline is looked for.
THUMBNAIL = 360

#: Thresholds of Canny's edges, strongest first: the first that shows a card is taken.
EDGES = ((40, 120), (20, 60), (10, 30))

#: A card takes up this share of its picture: smaller ones can't be read, larger ones are flat already.
SHARES = (0.05, 0.92)

#: Panels that a card is printed in, such as the band with its title, take up at least this share.
MIN_PANEL = 0.02

#: How much larger than two panels together the card may be that they make.
MAX_BETWEEN_PANELS = 1.15

#: How much of the quadrilateral its own outline fills: the corners of a card are round.
MIN_FILLED = 0.93

#: Share of each side, without its ends, that lies on an edge, and where it is looked at.
MIN_SUPPORT = 0.6
ALONG_SIDE = np.linspace(0.1, 0.9, 40)

#: Share of the picture's edges that lie on the card: a framed box on a page of print has far less.
MIN_INSIDE = 0.5

#: Pixels of a flat card's width: the recogniser sees no more.
MAX_CARD_WIDTH = 1280

#: So many times as wide as wanted is much larger.
MUCH_LARGER = 1.6


@dataclass(frozen=True, slots=True)
class Slant:
    """How far from a rectangle of its own shape a card may look."""

    #: Longer side over shorter one, the least and the most.
    aspects: tuple[float, float]
    #: How different opposite sides may be: the shorter over the longer one.
    least_parallel: float


@dataclass(frozen=True, slots=True)
class _Panel:
    """An outline that is nearly a quadrilateral."""

    #: n x 2, convex.
    hull: Quad
    #: Of the quadrilateral around it, clockwise from the top left.
    corners: Quad
    #: Of the hull, in pixels of the thumbnail.
    area: float


@dataclass(frozen=True, slots=True)
class _Look:
    """What the edges of a thumbnail show."""

    edges: npt.NDArray[np.uint8]
    #: These and what is at most two pixels off.
    near_edges: npt.NDArray[np.uint8]
    panels: Sequence[_Panel]
    #: Two of them side by side.
    joined: Sequence[_Panel]


#: As most people hold their phone, and from well to one side. The latter fits panels on a card as well, so it
#: counts only where no edges show a card of the former.
SLANTS = (Slant((1.3, 1.95), 0.7), Slant((1.1, 2.4), 0.55))


def is_card_shaped(page: Image) -> bool:
    """Whether a page has the shape of a card, as one scanned edge to edge has."""
    longer, shorter = sorted(page.shape, reverse=True)
    return bool(FLAT_ASPECTS[0] < longer / shorter < FLAT_ASPECTS[1])


def find_card(page: Page) -> Quad | None:
    """Return the corners of the card on a page, clockwise, a long side first; None without a clear one."""
    # In grey a form's edges make a card seen from one side sooner than in colour: that is left to the copy.
    card = _find(page.image, SLANTS[:1])
    if card is not None:
        return card
    copy = page.in_colour()
    if copy is None:
        return _find(page.image, SLANTS)
    card = _find(copy, SLANTS)
    return None if card is None else card * np.float32(max(page.image.shape) / max(copy.shape))


def _find(picture: Image | ColourImage, slants: Sequence[Slant]) -> Quad | None:
    scale = THUMBNAIL / max(picture.shape)
    small = cv2.GaussianBlur(_thumbnail(picture, scale), (0, 0), 1)
    looks: list[_Look] = []
    for slant in slants:
        for step, thresholds in enumerate(EDGES):
            if step == len(looks):
                looks.append(_look(np.asarray(small, np.uint8), thresholds))
            card = _largest_card(looks[step], slant)
            if card is not None:
                across, down = quad_size(card)
                return np.asarray(np.roll(card, int(across < down), axis=0) / scale, np.float32)
    return None


def _look(small: Image | ColourImage, thresholds: tuple[int, int]) -> _Look:
    edges = np.asarray(cv2.Canny(small, *thresholds, L2gradient=True), np.uint8)
    panels = _panels(edges)
    near_edges = np.asarray(cv2.dilate(edges, np.ones((5, 5), np.uint8)), np.uint8)
    return _Look(edges, near_edges, panels, _joined(panels))


def _thumbnail(picture: Image | ColourImage, scale: float) -> Image | ColourImage:
    if scale < 0.5:
        # In two steps: at once each pixel would be that of few pixels of the page, and noise look like edges.
        twice = cv2.resize(picture, None, fx=2 * scale, fy=2 * scale)
        return np.asarray(cv2.resize(twice, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8)


def flatten(page: Image, card: Quad) -> Image:
    """Return the card as seen from straight above, lying on a long side, as large as it is on the page."""
    width = min(MAX_CARD_WIDTH, round(quad_size(card)[0]))
    height = round(width / CARD_ASPECT)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # A warp samples single pixels: a card much larger than wanted is shrunk first.
    if quad_size(card)[0] > MUCH_LARGER * width:
        (left, top), (right, bottom) = (
            card.min(axis=0).clip(0).astype(int),
            np.ceil(card.max(axis=0)).astype(int),
        )
        page = np.asarray(
            cv2.resize(page[top:bottom, left:right], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
            np.uint8,
        )
        card = np.asarray((card - (left, top)) / 2, np.float32)
    flat = cv2.warpPerspective(page, cv2.getPerspectiveTransform(card, target), (width, height))
    return np.asarray(flat, np.uint8)


def _largest_card(look: _Look, slant: Slant) -> Quad | None:
    # A card printed in two panels may show each of them more clearly than itself.
    for panels in (look.panels, look.joined):
        cards = [panel.corners for panel in panels if _is_card(panel, look, slant)]
        if cards:
            return max(cards, key=cv2.contourArea)
    return None


def _panels(edges: npt.NDArray[np.uint8]) -> list[_Panel]:
    """Return what outlines, and the holes between them, make."""
    outlines = cv2.dilate(edges, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(outlines, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    least = MIN_PANEL * edges.size
    # Most contours are letters: their boxes alone rule them out.
    large = (contour for contour in contours if math.prod(cv2.boundingRect(contour)[2:]) > least)
    return [panel for contour in large if (panel := _panel(contour)) and panel.area > least]


def _joined(panels: Sequence[_Panel]) -> list[_Panel]:
    """Return what panels that lie side by side make."""
    return [
        both
        for one, other in combinations(panels, 2)
        if (both := _panel(np.concatenate((one.hull, other.hull))))
        and both.area < MAX_BETWEEN_PANELS * (one.area + other.area)
    ]


def _panel(points: npt.NDArray[Any]) -> _Panel | None:
    """Return the panel around points; None where their hull is no quadrilateral."""
    hull = np.asarray(cv2.convexHull(points), np.float32).reshape(-1, 2)
    quad = np.asarray(cv2.approxPolyN(hull, 4, ensure_convex=True), np.float32).reshape(-1, 2)
    area = cv2.contourArea(hull)
    if len(quad) != 4 or area <= MIN_FILLED * cv2.contourArea(quad):
        return None
    if cv2.contourArea(quad, oriented=True) < 0:
        quad = quad[::-1]
    return _Panel(hull, np.roll(quad, -int(quad.sum(axis=1).argmin()), axis=0), area)


def _is_card(panel: _Panel, look: _Look, slant: Slant) -> bool:
    quad = panel.corners
    least, most = (share * look.edges.size for share in SHARES)
    if not least < panel.area < most:
        return False
    sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1).reshape(2, 2)
    aspect = sides[:, 0].sum() / sides[:, 1].sum()
    return bool(
        slant.aspects[0] < max(aspect, 1 / aspect) < slant.aspects[1]
        and (sides.min(axis=0) > slant.least_parallel * sides.max(axis=0)).all()
        and _least_support(look.near_edges, quad) > MIN_SUPPORT
        and _inside(look.edges, quad) > MIN_INSIDE
    )


def _least_support(near_edges: npt.NDArray[np.uint8], quad: Quad) -> float:
    """Return which share of a side, the one with the least, lies near an edge."""
    ways = np.roll(quad, -1, axis=0) - quad
    points = quad[:, None] + ways[:, None] * ALONG_SIDE[:, None]
    edge = np.array(near_edges.shape[::-1]) - 1
    columns, rows = np.rint(points).astype(int).clip(0, edge).transpose(2, 0, 1)
    return float((near_edges[rows, columns] > 0).mean(axis=1).min())


def _inside(edges: npt.NDArray[np.uint8], quad: Quad) -> float:
    """Return which share of all edges lies on the card, its outline included."""
    mask = cv2.fillConvexPoly(np.zeros_like(edges), np.rint(quad).astype(np.int32), 1)
    mask = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    return float(cv2.countNonZero(cv2.bitwise_and(edges, edges, mask=mask)) / max(1, cv2.countNonZero(edges)))
