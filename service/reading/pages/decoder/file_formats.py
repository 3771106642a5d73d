"""Detects the format of a file by its first bytes; names and content types are ignored."""

from enum import Enum


class FileFormat(Enum):
    """Supported formats; the value of a picture format is its name in Pillow."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    TIFF = "TIFF"
    HEIC = "HEIF"
    PDF = "PDF"


_SIGNATURES = {
    b"\xff\xd8\xff": FileFormat.JPEG,
    b"\x89PNG\r\n": FileFormat.PNG,
    b"II*\0": FileFormat.TIFF,
    b"MM\0*": FileFormat.TIFF,
    b"II+\0": FileFormat.TIFF,
    b"MM\0+": FileFormat.TIFF,
}

#: Brands of HEIC (ISO/IEC 23008-12, annex B): images and image sequences coded with HEVC.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

#: PDF readers search this many bytes at the start of a file for the signature.
_PDF_SEARCH_LENGTH = 1024


def detect_format(content: bytes) -> FileFormat | None:
    """Return the format that a file claims to have, or None; only its decoder finds out whether that is true.

    Picture signatures are tested first, because a photo's metadata may contain the signature of PDF.
    """
    for signature, file_format in _SIGNATURES.items():
        if content.startswith(signature):
            return file_format
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return FileFormat.WEBP
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return FileFormat.HEIC
    return FileFormat.PDF if b"%PDF-" in content[:_PDF_SEARCH_LENGTH] else None
