"""What happens to a card on its way to FiLot: scanned, photographed, turned, or spoilt. All by seed."""

import io
import random

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures

from service.ocr.engine import Image

#: A phone's picture (width, height) in pixels, after the app has shrunk it.
PHOTO_SIZE = (1600, 1200)

#: An A4 page (width, height) at 200 dots per inch.
PAGE_SIZE = (1654, 2339)

#: Dots per inch of ``PAGE_SIZE``.
PAGE_RESOLUTION = 200.0

#: EXIF's tag for how to turn the pixels before showing them (EXIF 2.3, 4.6.4 A).
_EXIF_ORIENTATION = 0x0112

#: The value that means: turn the pixels 90 degrees clockwise before showing them.
EXIF_TURN_CLOCKWISE = 6

#: Table tops as blue-green-red.
_TABLES = ((58, 92, 140), (92, 96, 104), (60, 66, 74), (170, 186, 198))


def photo(card: Image, rng: random.Random) -> Image:
    """A phone's picture of the card on a table: tilted, in perspective, unevenly lit, slightly soft."""
    width, height = PHOTO_SIZE
    corners = _corners_on_table(card, rng)
    warped, mask = _laid_out(card, corners, PHOTO_SIZE)
    shadow = cv2.GaussianBlur(np.roll(mask, (12, 10), axis=(0, 1)), (0, 0), 14)[..., None]
    table = _table_top(rng) * (1 - 0.55 * shadow)
    scene = table * (1 - mask[..., None]) + warped * mask[..., None]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = rng.uniform(-0.2, 0.2) * (x / width - 0.5) + rng.uniform(-0.2, 0.2) * (y / height - 0.5)
    lamp_x, lamp_y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.1, 0.9) * height
    glare = rng.uniform(14, 34) * np.exp(-(((x - lamp_x) / 260) ** 2) - ((y - lamp_y) / 200) ** 2)
    lit = scene * (rng.uniform(0.78, 0.98) + slope)[..., None] + glare[..., None]
    soft = cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.6, 1.1))
    return _to_pixels(soft + _noise(rng, PHOTO_SIZE, sigma=3.0))


def scan(card: Image, rng: random.Random) -> Image:
    """A copy on a white A4 page, enlarged to 60 % of its width as copies of cards are, laid in askew."""
    width, height = PAGE_SIZE
    scale = 0.6 * width / card.shape[1]
    turn = cv2.getRotationMatrix2D((0, 0), rng.uniform(-2.5, 2.5), scale)
    turn[:, 2] = (rng.uniform(0.16, 0.24) * width, rng.uniform(0.12, 0.2) * height)
    page = cv2.warpAffine(card, turn, PAGE_SIZE, flags=cv2.INTER_AREA, borderValue=(250, 251, 251))
    return _to_pixels(page.astype(np.float32) + _noise(rng, PAGE_SIZE, sigma=4.0))


def poor(card: Image, rng: random.Random) -> Image:
    """A small picture far out of focus: the heading shows that it is a card, nobody can read the rest."""
    small = cv2.resize(photo(card, rng), (800, 600), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 3.3), dtype=np.uint8)


def turned(picture: Image, degrees: int) -> Image:
    """``picture`` turned clockwise by 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(picture, k=-degrees // 90))


def encode_jpeg(picture: Image, quality: int = 92, orientation: int | None = None) -> bytes:
    """JPEG bytes; ``orientation`` is EXIF's, 1 to 8."""
    exif = Pictures.Exif()
    if orientation is not None:
        exif[_EXIF_ORIENTATION] = orientation
    target = io.BytesIO()
    _as_pillow(picture).save(target, "JPEG", quality=quality, exif=exif)
    return target.getvalue()


def encode_png(picture: Image) -> bytes:
    """PNG bytes."""
    target = io.BytesIO()
    _as_pillow(picture).save(target, "PNG")
    return target.getvalue()


def encode_pdf(picture: Image) -> bytes:
    """A PDF of one page that holds the picture as a JPEG, as scanners write it."""
    target = io.BytesIO()
    # Without dates the same picture gives the same bytes.
    _as_pillow(picture).save(target, "PDF", resolution=PAGE_RESOLUTION, creationDate=None, modDate=None)
    return target.getvalue()


def _corners_on_table(card: Image, rng: random.Random) -> npt.NDArray[np.float32]:
    """The card's corners in the picture, clockwise from top left: 60 to 80 % of its width, tilted, askew."""
    width, height = PHOTO_SIZE
    card_width = rng.uniform(0.62, 0.78) * width
    card_height = card_width * card.shape[0] / card.shape[1]
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (card_width / 2, card_height / 2)
    angle = np.deg2rad(rng.uniform(-6, 6))
    spin = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    jitter = np.array([[rng.uniform(-0.018, 0.018) * card_width for _ in range(2)] for _ in range(4)])
    centre = (width / 2 + rng.uniform(-60, 60), height / 2 + rng.uniform(-60, 60))
    return np.asarray(square @ spin.T + jitter + centre, dtype=np.float32)


def _laid_out(
    card: Image, corners: npt.NDArray[np.float32], size: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The card warped to ``corners``, and its mask (0 to 1) with the rounded corners of a real one."""
    height, width = card.shape[:2]
    radius = round(0.037 * width)
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    transform = cv2.getPerspectiveTransform(source, corners)
    # Edge pixels repeat outside, so that the mask's soft rim never mixes in black.
    warped = cv2.warpPerspective(
        card, transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    warped_mask = cv2.warpPerspective(mask, transform, size, flags=cv2.INTER_LINEAR)
    share = np.asarray(warped_mask, dtype=np.float32) / np.float32(255)
    return np.asarray(warped, dtype=np.float32), share


def _table_top(rng: random.Random) -> npt.NDArray[np.float32]:
    """Grain that runs along the table, in one of a few colours."""
    width, height = PHOTO_SIZE
    generator = _generator(rng)
    streaks = generator.normal(0, 1, (height // 4, width // 80)).astype(np.float32)
    grain = cv2.resize(streaks, PHOTO_SIZE, interpolation=cv2.INTER_CUBIC)
    speckle = generator.normal(0, 1, (height, width)).astype(np.float32)
    return np.array(rng.choice(_TABLES), np.float32) + (9 * grain + 4 * speckle)[..., None]


def _noise(rng: random.Random, size: tuple[int, int], sigma: float) -> npt.NDArray[np.float32]:
    grey = _generator(rng).standard_normal((size[1], size[0], 1), dtype=np.float32)
    return grey * np.float32(sigma)


def _generator(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(64))


def _to_pixels(values: npt.ArrayLike) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _as_pillow(picture: Image) -> Pictures.Image:
    return Pictures.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
