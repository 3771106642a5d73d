"""Finds the outline of a card on its background."""

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

#: Aspect ratios of a page that shows a card edge to edge.
FULL_CARD_ASPECTS = (1.5, 1.68)

#: Longest side in pixels of the copy that the outline is searched on.
THUMBNAIL_SIDE = 360

#: Thresholds of Canny's edge detector, strongest edges first; the first pair that shows a card is used.
CANNY_THRESHOLDS = ((40, 120), (20, 60), (10, 30))

#: Area of a card as a share of the picture: smaller ones cannot be read, larger ones need no flattening.
CARD_SHARES = (0.05, 0.92)

#: Minimum area, as a share of the picture, of a panel: a part of the card's design, such as its title band.
MIN_PANEL_SHARE = 0.02

#: Maximum area of the hull of two panels over the sum of their areas, for them to form a card together.
MAX_JOINED_AREA = 1.15

#: Minimum angle of a card's corners in degrees. A card turned and tilted far has sharp ones too: of 30,000
#: drawn ones the sharpest had 56. Parts of a card, cut off through its print and taken for one, had 46 to 49.
MIN_CORNER_ANGLE = 52

#: Minimum share of the quadrilateral that the outline fills: the corners of a card are round.
MIN_FILL = 0.93

#: Minimum share of each side that lies on an edge, and the points of a side that are tested (0 to 1).
MIN_EDGE_SUPPORT = 0.6
SIDE_SAMPLES = np.linspace(0.1, 0.9, 40)

#: Minimum share of the picture's edges that lie on the card: a framed box on a printed page has far less.
MIN_EDGES_INSIDE = 0.5

#: A card that takes up more of its picture leaves no room for a second one.
MAX_SHARE_OF_ONE = 0.5

#: Edges beside a card as a share of those on it, from which something printed lies there. Beside 62 single
#: cards it was 0.03 at most, with a second card 0.15 at least.
MIN_EDGES_BESIDE = 0.1

#: Pixels of the thumbnail around a card whose edges are ignored in the search for a second one.
IGNORED_MARGIN = 3


@dataclass(frozen=True, slots=True)
class Perspective:
    """How far the outline of a card may differ from its true shape."""

    #: Lowest and highest aspect ratio.
    aspects: tuple[float, float]
    #: Lowest ratio of a side to the opposite, longer one.
    min_side_ratio: float


@dataclass(frozen=True, slots=True)
class _Panel:
    """An outline that is close to a quadrilateral."""

    #: n x 2, convex.
    hull: Quad
    #: Corners of the quadrilateral around it, clockwise from the top left.
    corners: Quad
    #: Area of the hull in pixels of the thumbnail.
    area: float


@dataclass(frozen=True, slots=True)
class _EdgeMap:
    """Edges of the thumbnail for one pair of thresholds, with the panels that they form."""

    edges: npt.NDArray[np.uint8]
    #: The edges dilated by two pixels.
    near_edges: npt.NDArray[np.uint8]
    panels: Sequence[_Panel]
    #: Hulls of two panels side by side.
    joined_panels: Sequence[_Panel]


#: Seen from nearly above, as most people hold their phone, and from well to one side. The second one also
#: fits panels on a card, so it is used only if the first finds no card at any threshold.
PERSPECTIVES = (Perspective((1.3, 1.95), 0.7), Perspective((1.1, 2.4), 0.55))


def is_card_shaped(page: Image) -> bool:
    """Whether a page has the aspect ratio of a card, such as a card scanned edge to edge."""
    longer, shorter = sorted(page.shape, reverse=True)
    return bool(FULL_CARD_ASPECTS[0] < longer / shorter < FULL_CARD_ASPECTS[1])


def find_card(page: Page) -> Quad | None:
    """Return the corners of the card on a page, clockwise, a long side first; None if no card stands out."""
    # In grey, edges of a form are mistaken for a card seen from one side more often than in colour. So only
    # the colour copy is searched with the wider perspective.
    card = _find(page.image, PERSPECTIVES[:1])
    if card is not None:
        return card
    copy = page.in_colour()
    if copy is None:
        return _find(page.image, PERSPECTIVES)
    card = _find(copy, PERSPECTIVES)
    return None if card is None else card * np.float32(max(page.image.shape) / max(copy.shape))


def find_other_card(image: Image, card: Quad) -> Quad | None:
    """Return the corners of a second card beside ``card``, as ``find_card`` does; None without one."""
    return _find(image, PERSPECTIVES, card)


def has_print_beside(image: Image, card: Quad) -> bool:
    """Whether something beside a card has as many edges as print has."""
    if cv2.contourArea(card) > MAX_SHARE_OF_ONE * image.size:
        return False
    scale = THUMBNAIL_SIDE / max(image.shape)
    edges = _edges(_softened(image, scale), CANNY_THRESHOLDS[0])
    on_card = cv2.countNonZero(cv2.bitwise_and(edges, edges, mask=_mask(edges, card * scale, IGNORED_MARGIN)))
    return bool(cv2.countNonZero(edges) - on_card > MIN_EDGES_BESIDE * on_card)


def without_card(image: Image, card: Quad) -> Image:
    """Return a copy of an image on which the card is as plain as its surroundings are on average."""
    mask = cv2.fillConvexPoly(np.zeros_like(image), np.rint(card).astype(np.int32), 1)
    rest = image.copy()
    rest[mask > 0] = np.median(image[mask == 0])
    return rest


def _find(
    picture: Image | ColourImage, perspectives: Sequence[Perspective], ignored: Quad | None = None
) -> Quad | None:
    scale = THUMBNAIL_SIDE / max(picture.shape)
    small = _softened(picture, scale)
    edge_maps: list[_EdgeMap] = []
    for perspective in perspectives:
        for step, thresholds in enumerate(CANNY_THRESHOLDS):
            if step == len(edge_maps):
                edge_maps.append(_edge_map(small, thresholds, None if ignored is None else ignored * scale))
            card = _largest_card(edge_maps[step], perspective)
            if card is not None:
                across, down = quad_size(card)
                return np.asarray(np.roll(card, int(across < down), axis=0) / scale, np.float32)
    return None


def _edge_map(small: Image | ColourImage, thresholds: tuple[int, int], ignored: Quad | None) -> _EdgeMap:
    edges = _edges(small, thresholds)
    if ignored is not None:
        edges[_mask(edges, ignored, IGNORED_MARGIN) > 0] = 0
    panels = _panels(edges)
    near_edges = np.asarray(cv2.dilate(edges, np.ones((5, 5), np.uint8)), np.uint8)
    return _EdgeMap(edges, near_edges, panels, _join(panels))


def _edges(small: Image | ColourImage, thresholds: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.Canny(small, *thresholds, L2gradient=True), np.uint8)


def _softened(picture: Image | ColourImage, scale: float) -> Image | ColourImage:
    return np.asarray(cv2.GaussianBlur(_thumbnail(picture, scale), (0, 0), 1), np.uint8)


def _thumbnail(picture: Image | ColourImage, scale: float) -> Image | ColourImage:
    if scale < 0.5:
        # In two steps: in one step each pixel would sample few pixels of the page, and noise would give
        # edges.
        twice = cv2.resize(picture, None, fx=2 * scale, fy=2 * scale)
        return np.asarray(cv2.resize(twice, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8)


def _largest_card(edge_map: _EdgeMap, perspective: Perspective) -> Quad | None:
    # The panels of a card may have clearer outlines than the card itself.
    for panels in (edge_map.panels, edge_map.joined_panels):
        cards = [panel.corners for panel in panels if _is_card(panel, edge_map, perspective)]
        if cards:
            return max(cards, key=cv2.contourArea)
    return None


def _panels(edges: npt.NDArray[np.uint8]) -> list[_Panel]:
    """Return the panels among the contours of the edges, holes included."""
    thick_edges = cv2.dilate(edges, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(thick_edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    min_area = MIN_PANEL_SHARE * edges.size
    # Most contours are letters: their bounding boxes rule them out cheaply.
    large = (contour for contour in contours if math.prod(cv2.boundingRect(contour)[2:]) > min_area)
    return [panel for contour in large if (panel := _panel(contour)) and panel.area > min_area]


def _join(panels: Sequence[_Panel]) -> list[_Panel]:
    """Return the hulls of pairs of panels that lie side by side."""
    return [
        both
        for one, other in combinations(panels, 2)
        if (both := _panel(np.concatenate((one.hull, other.hull))))
        and both.area < MAX_JOINED_AREA * (one.area + other.area)
    ]


def _panel(points: npt.NDArray[Any]) -> _Panel | None:
    """Return the panel around points; None if their hull is not close to a quadrilateral."""
    hull = np.asarray(cv2.convexHull(points), np.float32).reshape(-1, 2)
    quad = np.asarray(cv2.approxPolyN(hull, 4, ensure_convex=True), np.float32).reshape(-1, 2)
    area = cv2.contourArea(hull)
    if len(quad) != 4 or area <= MIN_FILL * cv2.contourArea(quad):
        return None
    if cv2.contourArea(quad, oriented=True) < 0:
        quad = quad[::-1]
    return _Panel(hull, np.roll(quad, -int(quad.sum(axis=1).argmin()), axis=0), area)


def _is_card(panel: _Panel, edge_map: _EdgeMap, perspective: Perspective) -> bool:
    quad = panel.corners
    smallest, largest = (share * edge_map.edges.size for share in CARD_SHARES)
    if not smallest < panel.area < largest:
        return False
    sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1).reshape(2, 2)
    aspect = sides[:, 0].sum() / sides[:, 1].sum()
    return bool(
        perspective.aspects[0] < max(aspect, 1 / aspect) < perspective.aspects[1]
        and (sides.min(axis=0) > perspective.min_side_ratio * sides.max(axis=0)).all()
        and _min_corner_angle(quad) > MIN_CORNER_ANGLE
        and _min_edge_support(edge_map.near_edges, quad) > MIN_EDGE_SUPPORT
        and _edges_inside(edge_map.edges, quad) > MIN_EDGES_INSIDE
    )


def _min_corner_angle(quad: Quad) -> float:
    """Return the angle of the sharpest corner in degrees."""
    back, forth = np.roll(quad, 1, axis=0) - quad, np.roll(quad, -1, axis=0) - quad
    cosines = (back * forth).sum(axis=1) / np.linalg.norm(back, axis=1) / np.linalg.norm(forth, axis=1)
    return float(np.degrees(np.arccos(cosines.clip(-1, 1).max())))


def _min_edge_support(near_edges: npt.NDArray[np.uint8], quad: Quad) -> float:
    """Return the share of points near an edge, of the side that has the lowest."""
    sides = np.roll(quad, -1, axis=0) - quad
    points = quad[:, None] + sides[:, None] * SIDE_SAMPLES[:, None]
    edge = np.array(near_edges.shape[::-1]) - 1
    columns, rows = np.rint(points).astype(int).clip(0, edge).transpose(2, 0, 1)
    return float((near_edges[rows, columns] > 0).mean(axis=1).min())


def _edges_inside(edges: npt.NDArray[np.uint8], quad: Quad) -> float:
    """Return the share of all edges that lies on the card, its outline included."""
    mask = _mask(edges, quad, 2)
    return float(cv2.countNonZero(cv2.bitwise_and(edges, edges, mask=mask)) / max(1, cv2.countNonZero(edges)))


def _mask(edges: npt.NDArray[np.uint8], quad: Quad, margin: int) -> npt.NDArray[np.uint8]:
    """Return an image of the same size that is 1 on the quadrilateral and ``margin`` pixels around it."""
    mask = cv2.fillConvexPoly(np.zeros_like(edges), np.rint(quad).astype(np.int32), 1)
    return np.asarray(cv2.dilate(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)), np.uint8)
