"""Cards as people send them, for fitting the estimates of the decision; no level that judges it uses this.

Each card is cropped by the phone's tool, made smaller, and goes through what messengers and scanning apps do.
"""

import random
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bench.accuracy.levels import PHOTO
from bench.accuracy.samples import Sample
from devstack.camera import map_points, noise, photograph, to_pixels
from devstack.degrade import encode_jpeg
from devstack.ktp import draw_ktp_design, ktp_artwork, ktp_texts, ktp_truth
from devstack.npwp import NPWP_FORMS, draw_npwp_design, npwp_artwork, npwp_texts, npwp_truth
from devstack.people import invent_person
from devstack.printing import CARD_SIZE, OVERSAMPLING, PrintedText, load_font, print_large
from service.reading.ocr.engine import ColourImage

#: Name of this kind of card in reports and caches.
LEVEL = "lifelike"

#: One card in so many is an NPWP, the others are KTPs.
_NPWP_EVERY = 4

#: Widths in pixels of the file: the lowest, the most frequent, and the highest.
_WIDTHS = (430.0, 1500.0, 850.0)

_Floats = npt.NDArray[np.float32]


def invent_lifelike(seed: int) -> Sample:
    """The card with this seed."""
    rng = random.Random(f"{seed}:{LEVEL}")
    person = invent_person(rng)
    if seed % _NPWP_EVERY == _NPWP_EVERY - 1:
        form, npwp = rng.choice(NPWP_FORMS), draw_npwp_design(rng)
        texts, artwork = list(npwp_texts(person, form, npwp)), npwp_artwork(rng, npwp)
        truth = npwp_truth(person, form)
    else:
        ktp = draw_ktp_design(rng, expires=person.valid_until != "SEUMUR HIDUP")
        texts, artwork = list(ktp_texts(person, ktp)), ktp_artwork(person, rng, ktp)
        truth = ktp_truth(person)
    card = print_large(artwork, _closely_set(texts, rng))
    return Sample(
        name=f"{LEVEL} {seed}",
        level=LEVEL,
        document_type="NPWP" if seed % _NPWP_EVERY == _NPWP_EVERY - 1 else "KTP",
        content=_sent(_photographed(card, rng), rng),
        truth=truth,
        shown=None,
        places={},
    )


def _closely_set(texts: list[PrintedText], rng: random.Random) -> list[PrintedText]:
    """Print the words of one card closer together than a font's blank, as real cards do."""
    share = rng.uniform(0.55, 1.05)
    closer = rng.random() < 0.35
    set_texts = []
    for text in texts:
        words = text.text
        if closer and "address" in text.keys:
            # `JL.MELATI`: the truth is compared without blanks beside punctuation.
            words = words.replace(". ", ".")
        if " " not in words or not text.keys or text.centred:
            set_texts.append(replace(text, text=words))
            continue
        font, x = load_font(text.face, text.size * OVERSAMPLING), text.x
        for word in words.split(" "):
            set_texts.append(replace(text, text=word, x=x))
            x += (font.getlength(word) + share * font.getlength(" ")) / OVERSAMPLING
    return set_texts


def _photographed(card: ColourImage, rng: random.Random) -> ColourImage:
    """Return the card cropped to its edges, or into them."""
    if rng.random() < 0.45:
        picture, corners = card, np.array([[0, 0], card.shape[1::-1]], np.float32)
    else:
        taken = photograph(card, replace(PHOTO, tilt=rng.uniform(2, 14), roll=rng.uniform(1, 5)), rng)
        width, height = CARD_SIZE
        seen = map_points(taken.place, [(0, 0), (width, 0), (width, height), (0, height)])
        picture, corners = taken.image, np.stack((seen.min(axis=0), seen.max(axis=0)))
    span = float(corners[1, 0] - corners[0, 0])
    # Mostly around the card, sometimes through its rim; labels start at 3 % of its width.
    margins = [
        rng.choice((rng.uniform(-0.025, 0), rng.uniform(0, 0.015), rng.uniform(0, 0.06))) for _ in "ltrb"
    ]
    left, top = (round(float(corners[0, axis]) - margins[axis] * span) for axis in (0, 1))
    right, bottom = (round(float(corners[1, axis]) + margins[2 + axis] * span) for axis in (0, 1))
    rows = slice(max(0, top), min(picture.shape[0], bottom))
    return picture[rows, max(0, left) : min(picture.shape[1], right)]


def _sent(picture: ColourImage, rng: random.Random) -> bytes:
    width = round(rng.triangular(*_WIDTHS))
    size = (width, round(picture.shape[0] * width / picture.shape[1]))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    unit = width / CARD_SIZE[0]
    blur = max(0.3, unit * rng.triangular(0.3, 2.2, 0.6))
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), blur), np.float32)
    small = small * rng.uniform(0.75, 1.1) + rng.uniform(-10, 25)
    if rng.random() < 0.15:
        small = _with_patches(small, rng)
    small += noise(rng, size, rng.triangular(0.5, 9, 2.5))
    if rng.random() < 0.35:
        small = _through_app(small, rng)
    sent = to_pixels(small)
    for _ in range(rng.choice((1, 2, 2))):
        sent = _recompressed(sent, rng.randint(38, 92))
    return encode_jpeg(sent, rng.randint(55, 90))


def _with_patches(picture: _Floats, rng: random.Random) -> _Floats:
    """A reflection that burns out a spot, or a spot of rubbed print."""
    height, width = picture.shape[:2]
    down, across = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(rng.randint(1, 2)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        wide, high = rng.uniform(0.02, 0.12) * width, rng.uniform(0.02, 0.1) * width
        spot = np.exp(-(((across - x) / wide) ** 2) - ((down - y) / high) ** 2)[..., None]
        if rng.random() < 0.6:
            picture = picture + rng.uniform(80, 260) * spot
        else:
            ground = np.percentile(picture, 80, axis=(0, 1)).astype(np.float32)
            rubbed = rng.uniform(0.4, 0.95) * spot
            picture = picture * (1 - rubbed) + ground * rubbed
    return np.asarray(picture, np.float32)


def _through_app(picture: _Floats, rng: random.Random) -> _Floats:
    """What scanning apps do: sharpen, stretch the contrast, reduce the levels; and a sensor's fine lines."""
    if rng.random() < 0.7:
        soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 2.0))
        picture = np.asarray(picture + rng.uniform(0.5, 2.5) * (picture - soft), np.float32)
    if rng.random() < 0.6:
        low, high = np.percentile(picture, (rng.uniform(0.5, 4), rng.uniform(70, 98)))
        picture = np.asarray((picture - low) * (255 / max(20.0, float(high - low))), np.float32)
    if rng.random() < 0.25:
        levels = rng.choice((16, 24, 32))
        picture = np.asarray(np.rint(picture / 256 * levels) * 256 / levels, np.float32)
    if rng.random() < 0.4:
        picture = picture + _moire(picture, rng)
    return picture


def _moire(picture: _Floats, rng: random.Random) -> Any:
    rows = np.arange(picture.shape[0], dtype=np.float32)
    lines = np.sin(2 * np.pi * rows / rng.uniform(2.2, 5.5)) * np.float32(rng.uniform(2, 12))
    return lines[:, None, None]


def _recompressed(picture: ColourImage, quality: int) -> ColourImage:
    content = encode_jpeg(picture, quality)
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)
