"""What a file is, by its first bytes: names and content types are not looked at."""

from enum import Enum


class Kind(Enum):
    """The kinds of files that can be read; a picture's value is Pillow's name of its format."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    TIFF = "TIFF"
    HEIC = "HEIF"
    PDF = "PDF"


_MARKS = {
    b"\xff\xd8\xff": Kind.JPEG,
    b"\x89PNG\r\n": Kind.PNG,
    b"II*\0": Kind.TIFF,
    b"MM\0*": Kind.TIFF,
    b"II+\0": Kind.TIFF,
    b"MM\0+": Kind.TIFF,
}

#: Brands of HEIC (ISO/IEC 23008-12, annex B): pictures and sequences of them, coded with HEVC.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

#: Bytes at the beginning of a file within which readers of PDF look for its mark.
_PDF_MARK_WITHIN = 1024


def kind_of(content: bytes) -> Kind | None:
    """Return what a file claims to be, or nothing: whether the claim is true is for its decoder to say.

    A picture's mark comes first, since a photo's notes may well contain the mark of PDF.
    """
    for mark, kind in _MARKS.items():
        if content.startswith(mark):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return Kind.WEBP
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return Kind.HEIC
    return Kind.PDF if b"%PDF-" in content[:_PDF_MARK_WITHIN] else None
