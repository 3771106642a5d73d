"""A card that lies on something: its outline is found, and the card made flat as if it had been scanned."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import cv2
import numpy as np
import numpy.typing as npt

from service.ocr.engine import ColourImage, Image, Page
from service.ocr.geometry import Quad, quad_size

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
LEAST_PANEL = 0.02

#: How much larger than two panels together the card may be that they make.
MOST_BETWEEN_PANELS = 1.15

#: How much of the quadrilateral its own outline fills: the corners of a card are round.
LEAST_FILLED = 0.93

#: Share of each side, without its ends, that lies on an edge.
LEAST_SUPPORT = 0.6

#: Share of the picture's edges that lie on the card: a framed box on a page of print has far less.
LEAST_INSIDE = 0.5

#: Pixels of a flat card's width: the recogniser sees no more.
WIDEST_CARD = 1280

#: So many times as wide as wanted is much larger.
MUCH_LARGER = 1.6


@dataclass(frozen=True, slots=True)
class Slant:
    """How far from a rectangle of its own shape a card may look."""

    #: Longer side over shorter one, the least and the most.
    aspects: tuple[float, float]
    #: How different opposite sides may be: the shorter over the longer one.
    least_parallel: float


#: As most people hold their phone, and from well to one side. The latter fits panels on a card as well, so it
#: counts only where no edges show a card of the former.
SLANTS = (Slant((1.3, 1.95), 0.7), Slant((1.1, 2.4), 0.55))


def is_card_shaped(page: Image) -> bool:
    """Whether a page has the shape of a card, as one scanned edge to edge has."""
    longer, shorter = sorted(page.shape, reverse=True)
    return bool(FLAT_ASPECTS[0] < longer / shorter < FLAT_ASPECTS[1])


def find_card(page: Page) -> Quad | None:
    """Return the corners of the card on a page, clockwise, a long side first; None without a clear one."""
    card = _find(page.image)
    if card is None and (copy := page.in_colour()) is not None:
        card = _find(copy)
        if card is not None:
            card *= max(page.image.shape) / max(copy.shape)
    return card


def _find(picture: Image | ColourImage) -> Quad | None:
    scale = THUMBNAIL / max(picture.shape)
    small = cv2.GaussianBlur(_thumbnail(picture, scale), (0, 0), 1)
    outlines: list[npt.NDArray[np.uint8]] = []
    for slant in SLANTS:
        for step, thresholds in enumerate(EDGES):
            if step == len(outlines):
                edges = cv2.Canny(np.asarray(small, np.uint8), *thresholds, L2gradient=True)
                outlines.append(np.asarray(edges, np.uint8))
            card = _largest_card(outlines[step], slant)
            if card is not None:
                across, down = quad_size(card)
                return np.asarray(np.roll(card, int(across < down), axis=0) / scale, np.float32)
    return None


def _thumbnail(picture: Image | ColourImage, scale: float) -> Image | ColourImage:
    if scale < 0.5:
        # In two steps: at once each pixel would be that of few pixels of the page, and noise look like edges.
        twice = cv2.resize(picture, None, fx=2 * scale, fy=2 * scale)
        return np.asarray(cv2.resize(twice, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8)


def flatten(page: Image, card: Quad) -> Image:
    """Return the card as seen from straight above, lying on a long side, as large as it is on the page."""
    width = min(WIDEST_CARD, round(quad_size(card)[0]))
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


def _largest_card(edges: npt.NDArray[np.uint8], slant: Slant) -> Quad | None:
    near_edges = np.asarray(cv2.dilate(edges, np.ones((5, 5), np.uint8)), np.uint8)
    panels = _panels(edges)
    # A card printed in two panels may show each of them more clearly than itself.
    for hulls in (panels, _joined(panels)):
        cards = [quad for hull in hulls if _is_card(quad := _corners(hull), hull, edges, near_edges, slant)]
        if cards:
            return max(cards, key=cv2.contourArea)
    return None


def _panels(edges: npt.NDArray[np.uint8]) -> list[Quad]:
    """Return the convex hulls of outlines, and of the holes between them, that are nearly quadrilaterals."""
    outlines = cv2.dilate(edges, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(outlines, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    least = LEAST_PANEL * edges.size
    # Most contours are letters: their boxes alone rule them out.
    large = [contour for contour in contours if math.prod(cv2.boundingRect(contour)[2:]) > least]
    hulls = [np.asarray(cv2.convexHull(contour), np.float32).reshape(-1, 2) for contour in large]
    return [hull for hull in hulls if cv2.contourArea(hull) > least and _fills(hull, _corners(hull))]


def _joined(panels: Sequence[Quad]) -> Iterator[Quad]:
    """Yield the hulls of panels that lie side by side."""
    for one, other in combinations(panels, 2):
        both = np.asarray(cv2.convexHull(np.concatenate((one, other))), np.float32).reshape(-1, 2)
        if cv2.contourArea(both) < MOST_BETWEEN_PANELS * (cv2.contourArea(one) + cv2.contourArea(other)):
            yield both


def _corners(hull: Quad) -> Quad:
    """Return the corners of the quadrilateral around a hull, clockwise from the top left one."""
    quad = np.asarray(cv2.approxPolyN(hull, 4, ensure_convex=True), np.float32).reshape(-1, 2)
    if cv2.contourArea(quad, oriented=True) < 0:
        quad = quad[::-1]
    return np.roll(quad, -int(quad.sum(axis=1).argmin()), axis=0)


def _fills(hull: Quad, quad: Quad) -> bool:
    return len(quad) == 4 and cv2.contourArea(hull) > LEAST_FILLED * cv2.contourArea(quad)


def _is_card(
    quad: Quad, hull: Quad, edges: npt.NDArray[np.uint8], near_edges: npt.NDArray[np.uint8], slant: Slant
) -> bool:
    least, most = (share * edges.size for share in SHARES)
    if not _fills(hull, quad) or not least < cv2.contourArea(hull) < most:
        return False
    sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1).reshape(2, 2)
    aspect = sides[:, 0].sum() / sides[:, 1].sum()
    return bool(
        slant.aspects[0] < max(aspect, 1 / aspect) < slant.aspects[1]
        and (sides.min(axis=0) > slant.least_parallel * sides.max(axis=0)).all()
        and all(_support(near_edges, start, end) > LEAST_SUPPORT for start, end in pairwise([*quad, quad[0]]))
        and _inside(edges, quad) > LEAST_INSIDE
    )


def _support(near_edges: npt.NDArray[np.uint8], start: Quad, end: Quad) -> float:
    """Return which share of a side lies near an edge."""
    steps = np.linspace(0.1, 0.9, 40)[:, None]
    columns, rows = np.rint(start + (end - start) * steps).astype(int).T
    height, width = near_edges.shape
    return float((near_edges[rows.clip(0, height - 1), columns.clip(0, width - 1)] > 0).mean())


def _inside(edges: npt.NDArray[np.uint8], quad: Quad) -> float:
    """Return which share of all edges lies on the card, its outline included."""
    mask = cv2.fillConvexPoly(np.zeros_like(edges), np.rint(quad).astype(np.int32), 1)
    mask = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    return float(cv2.countNonZero(cv2.bitwise_and(edges, edges, mask=mask)) / max(1, cv2.countNonZero(edges)))
