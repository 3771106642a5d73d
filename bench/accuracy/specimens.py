"""`python -m bench.accuracy.specimens FOLDER`: the small pictures in `docs/accuracy.md`, marked."""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw

from bench.accuracy.levels import Level
from bench.accuracy.samples import invent_sample
from devstack.degrade import encode_jpeg
from devstack.printing import FACES, load_font
from service.reading.ocr.engine import ColourImage

#: What is shown: level and seed.
SHOWN: tuple[tuple[Level, int], ...] = (("flat", 4), ("scan", 100), ("photo", 3), ("hard", 14))

#: Printed below each picture.
MARK = "INVENTED - CONTOH, BUKAN KARTU ASLI"

#: Pixels: no picture is wider or higher, without the strip that holds the mark.
_MAX, _HIGHEST, _STRIP = 520, 460, 24


def main(folder: Path) -> None:
    """Write one JPEG for each level of ``SHOWN``."""
    folder.mkdir(parents=True, exist_ok=True)
    for level, seed in SHOWN:
        picture = invent_sample(level, seed).shown
        assert picture is not None
        (folder / f"{level}.jpg").write_bytes(encode_jpeg(marked(picture), 72))


def marked(picture: ColourImage) -> ColourImage:
    """``picture`` made small, with the mark on a strip below it."""
    scale = min(_MAX / picture.shape[1], _HIGHEST / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    width = small.shape[1]
    paper = Pictures.new("RGB", (width, _STRIP), (150, 20, 20))
    place = (width / 2, _STRIP / 2)
    ImageDraw.Draw(paper).text(
        place, MARK, font=load_font(FACES["Arimo"][1], 14), fill=(255, 255, 255), anchor="mm"
    )
    return np.vstack((small, np.asarray(paper, np.uint8)[..., ::-1])).astype(np.uint8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
