"""The bytes of a document become page images: every limit on bad input lives here.

Files are decoded by a process of its own (``decoder``), with limits on memory and time that the kernel keeps.
Whatever is wrong with a file ends as a ``DocumentError`` that tells the user what to do and holds nothing of
the file's content.
"""

from service.ocr.engine import Image
from service.pages.decoder.kinds import kind_of
from service.pages.decoder.limits import LARGEST_FILE, LONGEST_SIDE
from service.pages.pool import pool
from service.pages.refusals import REFUSALS, refusal

__all__ = ["LARGEST_FILE", "LONGEST_SIDE", "REFUSALS", "read_pages"]


def read_pages(content: bytes) -> list[Image]:
    """Return the first pages of a document, at most ``LONGEST_SIDE`` pixels long, turned as the camera noted.

    A page after the first that cannot be read is left out.

    Raises:
        DocumentError: the file is not a picture or PDF that can be read; its code is one of ``REFUSALS``.
        EngineError: the decoder could not do its work, and the file is not the cause.
    """
    if not content:
        raise refusal("empty_file")
    if len(content) > LARGEST_FILE:
        raise refusal("file_too_large")
    if kind_of(content) is None:
        raise refusal("not_an_image")
    return pool().decode(content)
