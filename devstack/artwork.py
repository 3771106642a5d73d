"""Artwork of a card: patterned background, portrait and signature, at the printing scale."""

import math
import random

import cv2
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw

from devstack.printing import CARD_SIZE, OVERSAMPLING, Ink, load_font

_SIZE = (CARD_SIZE[0] * OVERSAMPLING, CARD_SIZE[1] * OVERSAMPLING)


def waved_ground(rng: random.Random, pale: Ink, deep: Ink, wavelength: float = 9.0) -> Pictures.Image:
    """Fine wavy lines between two colours, like the guilloche of a card; ``wavelength`` in card pixels."""
    width, height = CARD_SIZE
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    sway = 14 * np.sin(x / 90 + rng.uniform(0, 6)) + 7 * np.sin(x / 37 + y / 160 + rng.uniform(0, 6))
    lines = 0.5 + 0.5 * np.sin((y + sway) * (2 * math.pi / wavelength))
    clouds = 0.5 + 0.5 * np.sin(x / 210 + rng.uniform(0, 6)) * np.cos(y / 170 + rng.uniform(0, 6))
    share = (0.55 * lines + 0.45 * clouds)[..., None]
    ground = np.array(pale, np.float32) * (1 - share) + np.array(deep, np.float32) * share
    return Pictures.fromarray(cv2.resize(ground.astype(np.uint8), _SIZE, interpolation=cv2.INTER_LINEAR))


def draw_portrait(
    pen: ImageDraw.ImageDraw,
    rng: random.Random,
    box: tuple[int, int, int, int],
    *,
    odd_year: bool,
    veil: bool,
) -> None:
    """Draw head and shoulders in ``box`` (card pixels); red behind people of odd birth years, else blue."""
    left, top, right, bottom = (edge * OVERSAMPLING for edge in box)
    width, height, middle = right - left, bottom - top, (left + right) / 2
    skin = rng.choice(((222, 184, 150), (198, 150, 112), (170, 120, 86)))
    hair = rng.choice(((26, 20, 18), (40, 30, 26), (62, 58, 58)))
    cloth = rng.choice(((240, 240, 238), (60, 72, 92), (120, 84, 60), (92, 116, 96)))

    def ellipse(cx: float, cy: float, rx: float, ry: float, ink: Ink) -> None:
        x, y = middle + cx * width, top + cy * height
        shape = (
            max(left, x - rx * width),
            y - ry * height,
            min(right, x + rx * width),
            min(bottom, y + ry * height),
        )
        pen.ellipse(shape, fill=ink)

    pen.rectangle((left, top, right, bottom), fill=(178, 38, 36) if odd_year else (38, 84, 168))
    pen.pieslice((left, top + 0.66 * height, right, top + 1.34 * height), 180, 360, fill=cloth)
    if veil:
        ellipse(0, 0.44, 0.30, 0.32, cloth)
    else:
        pen.rectangle(
            (middle - 0.1 * width, top + 0.55 * height, middle + 0.1 * width, top + 0.72 * height), fill=skin
        )
        ellipse(0, 0.37, 0.25, 0.24, hair)
    ellipse(0, 0.43, 0.20, 0.22, skin)
    for side in (-0.08, 0.08):
        ellipse(side, 0.40, 0.025, 0.012, (30, 24, 22))
    ellipse(0, 0.54, 0.06, 0.012, (140, 70, 64))


def draw_signature(pen: ImageDraw.ImageDraw, rng: random.Random, box: tuple[int, int, int, int]) -> None:
    """Draw a signature in ``box`` (card pixels)."""
    left, top, right, bottom = (edge * OVERSAMPLING for edge in box)
    turns, phase, slant = rng.uniform(5, 8), rng.uniform(0, 6), rng.uniform(0.2, 0.5)
    points = []
    for step in range(181):
        t = step / 180
        loop = t * turns * 2 * math.pi + phase
        swing = (0.42 - 0.25 * t) * math.sin(loop) + 0.08 * math.sin(loop / 2.7)
        x = left + (right - left) * (0.12 + 0.7 * t + 0.07 * math.cos(loop) - slant * 0.2 * swing)
        points.append((x, (top + bottom) / 2 + (bottom - top) * swing))
    pen.line(points, fill=(28, 28, 40), width=2 * OVERSAMPLING, joint="curve")
    pen.line(
        (points[-1], (right, points[-1][1] - 0.1 * (bottom - top))), fill=(28, 28, 40), width=2 * OVERSAMPLING
    )


def draw_rosette(
    pen: ImageDraw.ImageDraw, rng: random.Random, centre: tuple[int, int], radius: int, ink: Ink
) -> None:
    """Draw closed curves around ``centre`` (card pixels), like the guilloche of banknotes."""
    x, y = (place * OVERSAMPLING for place in centre)
    petals, depth = rng.randint(5, 9), rng.uniform(0.2, 0.4)
    for ring in range(9):
        size = radius * OVERSAMPLING * (0.35 + 0.65 * ring / 8)
        points = []
        for step in range(361):
            angle = math.radians(step)
            reach = size * (1 - depth + depth * math.cos(petals * angle + ring * 0.35))
            points.append((x + reach * math.cos(angle), y + 0.7 * reach * math.sin(angle)))
        pen.line(points, fill=ink, width=OVERSAMPLING)


def draw_stamp(picture: Pictures.Image, rng: random.Random, centre: tuple[int, int], radius: int) -> None:
    """Draw an office's round stamp, violet and thin, around ``centre`` (card pixels)."""
    side = 2 * radius * OVERSAMPLING
    stamp = Pictures.new("RGBA", (side, side))
    pen = ImageDraw.Draw(stamp)
    ink = (92, 62, 160, rng.randint(90, 150))
    for inset, width in ((4, 6), (16, 2), (52, 2)):
        edge = inset * OVERSAMPLING // 2
        pen.ellipse((edge, edge, side - edge, side - edge), outline=ink, width=width)
    pen.regular_polygon((side // 2, side // 2, side // 6), 5, outline=ink, width=4)
    turned = stamp.rotate(rng.uniform(-20, 20))
    left, top = (place * OVERSAMPLING - side // 2 for place in centre)
    picture.paste(turned, (left, top), turned)


def emboss(picture: Pictures.Image, rng: random.Random, ink: Ink) -> None:
    """Draw ``KARTU TANDA PENDUDUK`` in waves over the lower third, a little darker than the ground."""
    pen = ImageDraw.Draw(picture)
    font = load_font("Arimo-Bold", 26 * OVERSAMPLING)
    shade = tuple(round(0.93 * level) for level in ink)
    for line in range(3):
        x, phase = rng.uniform(-60, 20) * OVERSAMPLING, rng.uniform(0, 6)
        y = (450 + 58 * line) * OVERSAMPLING
        for character in "KARTU TANDA PENDUDUK  " * 3:
            sway = 10 * OVERSAMPLING * math.sin(x / (70 * OVERSAMPLING) + phase)
            pen.text((x, y + sway), character, fill=shade, font=font, anchor="ls")
            x += font.getlength(character)
