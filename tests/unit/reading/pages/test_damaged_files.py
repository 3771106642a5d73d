"""Valid small files with damage anywhere: pages or a refusal, nothing else.

Few are tried in every run; `make fuzz` tries thousands.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import DocumentError
from service.reading.pages import MAX_SIDE, REFUSALS, read_pages
from tests.unit.reading.pages.hostile import pdf_with_lying_jbig2, pdf_with_password
from tests.unit.reading.pages.samples import drawing_of_image, heic, pdf_of, pdf_page, sample, saved, stream

SMALL = sample(96, 64)

TURNED = PIL.Image.Exif()
TURNED[0x0112] = 5


def drawn_pdf() -> bytes:
    font = b"/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    content = stream(b"q 1 0 0 rg 0 0 99 99 re f Q BT /F 9 Tf (a) Tj ET")
    return pdf_of(pdf_page(content=content, resources=font))


def pdf_of_picture(file_format: str, name: bytes) -> bytes:
    """A PDF that holds a picture's file as its image."""
    entries = b"/Type /XObject /Subtype /Image /Width 96 /Height 64 /Filter /%s" % name
    entries += b" /ColorSpace /DeviceRGB /BitsPerComponent 8"
    return drawing_of_image(stream(saved(SMALL, file_format), entries))


def several(file_format: str, mode: str = "RGB", **options: Any) -> bytes:
    """A file of two pictures."""
    pictures = [SMALL.convert(mode), SMALL.rotate(180).convert(mode)]
    return saved(pictures[0], file_format, save_all=True, append_images=pictures[1:], **options)


KINDS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: saved(SMALL, "JPEG"),
    "progressive JPEG": lambda: saved(SMALL, "JPEG", progressive=True),
    "JPEG of inks": lambda: saved(SMALL.convert("CMYK"), "JPEG"),
    "JPEG with a second one": lambda: several("MPO"),
    "PNG": lambda: saved(SMALL, "PNG"),
    "palette PNG": lambda: saved(SMALL.convert("P"), "PNG", transparency=1),
    "WebP": lambda: saved(SMALL, "WEBP"),
    "lossless WebP": lambda: saved(SMALL, "WEBP", lossless=True),
    "moving WebP": lambda: several("WEBP"),
    "TIFF": lambda: saved(SMALL, "TIFF"),
    "LZW TIFF": lambda: several("TIFF", compression="tiff_lzw"),
    "JPEG TIFF": lambda: several("TIFF", compression="jpeg"),
    "fax TIFF": lambda: several("TIFF", "1", compression="group4"),
    "HEIC": lambda: heic(SMALL),
    "turned HEIC": lambda: heic(SMALL, exif=TURNED.tobytes()),
    "PDF": lambda: saved(SMALL, "PDF"),
    "fax PDF": lambda: saved(SMALL.convert("1"), "PDF"),
    "drawn PDF": drawn_pdf,
    "locked PDF": pdf_with_password,
    "PDF of JPEG 2000": lambda: pdf_of_picture("JPEG2000", b"JPXDecode"),
    "PDF of JBIG2": lambda: pdf_with_lying_jbig2(64),
}

#: How each kind of file begins.
MARKS = [b"", b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0"]
MARKS += [b"RIFF\xff\0\0\0WEBPVP8X", b"\0\0\0\x18ftypheic"]

#: What readers have stumbled over: lengths at their ends, and the marks by which parts are found.
TOKENS = [
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xff\xda",
    b"\xff\xd9",
    b"endobj",
]

damages = st.lists(
    st.tuples(
        st.sampled_from(["put", "cut", "insert", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(st.binary(min_size=1, max_size=6), st.sampled_from(TOKENS)),
    ),
    min_size=1,
    max_size=8,
)


@lru_cache
def original(kind: str) -> bytes:
    return KINDS[kind]()


def damaged(content: bytes, damage: list[tuple[str, float, bytes]]) -> bytes:
    copy = bytearray(content)
    for kind, part, token in damage:
        place = int(part * len(copy))
        if kind == "put":
            copy[place : place + len(token)] = token
        elif kind == "cut":
            del copy[place : place + 4 * len(token)]
        elif kind == "insert":
            copy[place:place] = token
        else:
            copy[place:place] = copy[place : place + 40] * token[0]
    return bytes(copy)


@pytest.mark.parametrize("kind", KINDS)
@given(damage=damages)
def test_a_damaged_file_gives_pages_or_a_refusal(kind: str, damage: list[tuple[str, float, bytes]]) -> None:
    content = damaged(original(kind), damage)

    try:
        pages = read_pages(content)
    # That its code is a known one, its making proves.
    except DocumentError:
        return

    assert pages
    assert all(page.image.dtype == np.uint8 and max(page.image.shape) <= MAX_SIDE for page in pages)


@given(
    content=st.binary(max_size=200),
    mark=st.sampled_from(MARKS),
)
def test_any_bytes_give_pages_or_a_refusal(content: bytes, mark: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read_pages(mark + content)

    assert caught.value.code in REFUSALS


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_that_are_damaged_can_be_read_before(kind: str) -> None:
    content = original(kind)

    if kind == "locked PDF":
        with pytest.raises(DocumentError, match="protected"):
            read_pages(content)
    else:
        assert read_pages(content)
