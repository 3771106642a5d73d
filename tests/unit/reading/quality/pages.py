"""Drawn pages with print, and what a camera does to them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

import devstack
from service.reading.ocr.engine import Box, Image, PageText, TextLine

FONT = Path(devstack.__file__).parent / "fonts" / "Arimo-Regular.ttf"

#: Texts of the page with x and y in pixels, for letters 24 pixels high.
ROWS = [
    *[("PROVINSI CONTOH TENGAH", 280, 30), ("NIK 3301024507890003", 60, 80), ("NAMA", 60, 140)],
    *[("RATNA DEWI KUSUMA", 300, 140), ("TEMPAT LAHIR", 60, 180), ("SEMARANG, 05-07-1989", 300, 180)],
    *[("JENIS KELAMIN", 60, 220), ("PEREMPUAN", 300, 220), ("ALAMAT", 60, 260)],
    *[("JALAN MERPATI NOMOR 17", 300, 260), ("PEKERJAAN", 60, 300), ("KARYAWAN SWASTA", 300, 300)],
    *[("BERLAKU HINGGA", 60, 340), ("SEUMUR HIDUP", 300, 340)],
]

#: Grey levels of the card, of white paper and of a table.
CARD, PAPER, TABLE = 220, 255, 102

#: Height in pixels of a line's box as an engine finds it, for letters of 24 pixels.
LINE = 32


def box(points: Iterable[tuple[float, float]]) -> Box:
    first, second, third, fourth = ((float(x), float(y)) for x, y in points)
    return first, second, third, fourth


def printed(height: int = 24, background: int = CARD, ink: int = 25) -> PageText:
    """Return a card on a table, as an engine reads it; ``height`` is the font size in pixels."""
    scale = height / 24
    picture = PIL.Image.new("L", (round(1000 * scale), round(640 * scale)), TABLE)
    pen = ImageDraw.Draw(picture)
    pen.rectangle([round(v * scale) for v in (20, 10, 980, 620)], fill=background)
    font = ImageFont.truetype(FONT, height)
    lines = []
    for text, x, y in ROWS:
        pen.text((x * scale, y * scale), text, font=font, fill=ink)
        left, top, right, bottom = pen.textbbox((x * scale, y * scale), text, font=font)
        margin = 7 * scale
        left, top, right, bottom = left - margin, top - margin, right + margin, bottom + margin
        lines.append(TextLine(text, 0.99, ((left, top), (right, top), (right, bottom), (left, bottom))))
    return PageText(np.array(picture), tuple(lines), "cpu")


def degraded(page: PageText, degrade: Callable[[Image], object], noise: float = 3) -> PageText:
    """Return the page with its image changed by ``degrade``, and with camera noise."""
    grain = np.random.default_rng(1).normal(0, noise, page.image.shape)
    picture = np.asarray(degrade(page.image), np.float32) + grain
    return PageText(np.clip(np.rint(picture), 0, 255).astype(np.uint8), page.lines, page.device)


def with_camera_shake(picture: Image, length: int, degrees: float) -> Image:
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    direction = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]) * length / 2
    start, end = np.rint(length - direction).astype(int), np.rint(length + direction).astype(int)
    cv2.line(kernel, [*map(int, start)], [*map(int, end)], 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def with_reflection(picture: Image, x: int, y: int, radius: float) -> Image:
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    light = 330 * np.exp(-(((across - x) / (1.6 * radius)) ** 2) - ((down - y) / radius) ** 2)
    return np.asarray(np.clip(picture + light, 0, 255), np.uint8)


def cropped(page: PageText, left: int = 0, top: int = 0, right: int = 1000, bottom: int = 640) -> PageText:
    """Return a part of the page; lines outside of it are not read."""
    visible = [
        TextLine(
            line.text,
            line.confidence,
            box((min(max(x, left), right) - left, min(max(y, top), bottom) - top) for x, y in line.box),
        )
        for line in page.lines
        if line.right > left + LINE and line.left < right - LINE and line.bottom > top + LINE
        if line.top < bottom - LINE
    ]
    return PageText(page.image[top:bottom, left:right], tuple(visible), page.device)
