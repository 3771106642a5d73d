"""Removes metadata from PNG files: Pillow refuses a file for a large comment or colour profile."""

from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Chunks of text and colour profiles (PNG, third edition, 11.3).
_METADATA = {b"iCCP", b"iTXt", b"tEXt", b"zTXt"}

#: Bytes of a chunk beside its data: length, type and checksum.
_OVERHEAD = 12


def without_metadata(content: bytes) -> bytes:
    """Return a PNG without text and colour profiles; what is no complete chunk is kept as it is."""
    return _SIGNATURE + b"".join(_kept_chunks(memoryview(content)))


def _kept_chunks(content: memoryview) -> Iterator[memoryview]:
    start = len(_SIGNATURE)
    while start + _OVERHEAD <= len(content):
        end = start + _OVERHEAD + int.from_bytes(content[start : start + 4], "big")
        if end > len(content):
            break
        if bytes(content[start + 4 : start + 8]) not in _METADATA:
            yield content[start:end]
        start = end
    yield content[start:]
