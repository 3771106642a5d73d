"""Small valid files of every kind that is read, built anew for each test."""

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import PIL.Image
import pillow_heif

from service.reading.ocr.engine import Image
from service.reading.pages import read_pages

RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 180, 30), (30, 30, 200), (220, 220, 220)

#: ``sample(96, 64)`` as a JPEG with arithmetic coding, which Pillow cannot write.
ARITHMETIC_JPEG = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV01XKW3knDg3knMk4h;_zAQcl55)&sJ9v2`kDKRiEDJ?8BI!Zn>HbyrrEkIX6ModmpQ"
    "&KWMT47pHU`kO^PygEhLjevB4iga*CKVMXPc<zyPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPf"
    "t%zPf!2J01*fPKmcF^0U`hb5di}c0sqVZ3IGrg1pyEd1^?Or3<CiG0ucid06zf#04v$S1vXkvCo8Us4`Mhn^mx9J*@a-"
    "l4<97m*b|zIrnptolh7(OtAPL6"
)

#: How light red, green and blue are (ITU-R BT.601).
_LIGHTNESS = (0.299, 0.587, 0.114)


def sample(width: int = 300, height: int = 200) -> PIL.Image.Image:
    """Quarters of red, green, blue and grey, clockwise: turns and swapped channels show, in grey too."""
    picture = PIL.Image.new("RGB", (width, height), GREY)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (width // 2, height // 2, width, height))
    return picture


def saved(picture: PIL.Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def heic(picture: PIL.Image.Image, **options: Any) -> bytes:
    """The picture as phones of one maker send it; the encoder is needed by tests only."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture).save(buffer, quality=90, **options)
    return buffer.getvalue()


def assert_quarters(page: Image, *expected: tuple[int, int, int]) -> None:
    """Compare the middle of a page's quarters, clockwise from the top left, with how light a colour is."""
    height, width = page.shape
    places = ((1, 1), (1, 3), (3, 3), (3, 1))
    shown = [page[height * y // 4, width * x // 4] for y, x in places]
    assert np.abs(np.array(shown, np.int16) - np.array(expected) @ _LIGHTNESS).max() <= 8


def grey_pages(content: bytes) -> list[Image]:
    """The pages of a file, without the small copies in colour."""
    return [page.image for page in read_pages(content)]


def pdf_of(objects: Iterable[bytes], *, root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, with a table of where they are."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Root %d 0 R /Size %d %s >>\nstartxref\n%d\n%%%%EOF" % (
        root,
        len(places) + 1,
        trailer,
        table,
    )
    return bytes(out)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """The body of a PDF object that holds bytes."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def pdf_page(
    *, content: bytes, resources: bytes = b"", size: tuple[float, float] = (240, 150)
) -> list[bytes]:
    """Objects 1 to 4 of a PDF with one page; ``content`` is the whole fourth object, more may follow."""
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Resources << %s >> /Contents 4 0 R >>"
        % (*size, resources),
        content,
    ]


def drawing_of_image(image: bytes) -> bytes:
    """A PDF whose page shows an image over its whole size."""
    page = pdf_page(content=stream(b"240 0 0 150 0 0 cm /I Do"), resources=b"/XObject << /I 5 0 R >>")
    return pdf_of([*page, image])
