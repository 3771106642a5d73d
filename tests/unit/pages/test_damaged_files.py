"""Valid small files with damage anywhere: pages or a refusal, nothing else.

Few are tried in every run; `make fuzz` tries thousands.
"""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import DocumentError
from service.pages import LONGEST_SIDE, REFUSALS, read_pages
from tests.unit.pages.samples import drawing_of_image, heic, pdf_of, pdf_page, sample, saved, stream

KINDS = [
    "JPEG",
    "progressive JPEG",
    "PNG",
    "palette PNG",
    "WEBP",
    "lossless WEBP",
    "TIFF",
    "LZW TIFF",
    "HEIC",
    "PDF",
    "drawn PDF",
    "PDF of JPEG 2000",
]

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
    small = sample(96, 64)
    if kind == "HEIC":
        return heic(small)
    if kind == "drawn PDF":
        font = b"/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
        return pdf_of(
            pdf_page(content=stream(b"q 1 0 0 rg 0 0 99 99 re f Q BT /F 9 Tf (a) Tj ET"), resources=font)
        )
    if kind == "PDF of JPEG 2000":
        entries = b"/Type /XObject /Subtype /Image /Width 96 /Height 64 /Filter /JPXDecode"
        return drawing_of_image(stream(saved(small, "JPEG2000"), entries))
    file_format = kind.rsplit(maxsplit=1)[-1]
    picture = small.convert("P") if kind.startswith("palette") else small
    if kind.startswith("LZW"):
        return saved(picture, file_format, compression="tiff_lzw", save_all=True, append_images=[picture])
    if kind.startswith("progressive"):
        return saved(picture, file_format, progressive=True)
    return (
        saved(picture, file_format, lossless=True)
        if kind.startswith("lossless")
        else saved(picture, file_format)
    )


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
    assert all(page.dtype == np.uint8 and max(page.shape) <= LONGEST_SIDE for page in pages)


@given(
    content=st.binary(max_size=200),
    mark=st.sampled_from([b"", b"%PDF-", b"\xff\xd8\xff", b"II*\0", b"MM\0*"]),
)
def test_any_bytes_give_pages_or_a_refusal(content: bytes, mark: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read_pages(mark + content)

    assert caught.value.code in REFUSALS


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_that_are_damaged_can_be_read_before(kind: str) -> None:
    assert read_pages(original(kind))
