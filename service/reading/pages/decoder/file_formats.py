"""Detects the format of a file by its first bytes; names and content types are ignored."""

from enum import Enum


class FileFormat(Enum):
    """Supported formats; the value of a picture format is its name in Pillow."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    TIFF = "TIFF"
    HEIC = "HEIF"
    AVIF = "AVIF"
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

#: Brands of AVIF (AV1 Image File Format, 6.2): images and image sequences coded with AV1. The major brand of
#: such a file may be another, such as ``mif1``.
_AVIF_BRANDS = {b"avif", b"avis"}

#: Brands of a file that are looked at.
_MAX_BRANDS = 32

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
    if content[4:8] == b"ftyp":
        brands = _brands(content)
        if brands & _AVIF_BRANDS:
            return FileFormat.AVIF
        if content[8:12] in _HEIC_BRANDS:
            return FileFormat.HEIC
    return FileFormat.PDF if b"%PDF-" in content[:_PDF_SEARCH_LENGTH] else None


def _brands(content: bytes) -> set[bytes]:
    """Return the major and compatible brands of a file with an ``ftyp`` box (ISO/IEC 14496-12, 4.3)."""
    size = min(int.from_bytes(content[:4], "big"), len(content), 16 + 4 * _MAX_BRANDS)
    return {content[8:12], *(content[start : start + 4] for start in range(16, size - 3, 4))}
