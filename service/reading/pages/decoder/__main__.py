"""Decodes one file after another until the worker ends. Argument: file descriptor of the worker's socket."""

import contextlib
import socket
import sys
from collections.abc import Iterator

from .decoded_page import COLOUR_COPY, GREY_PAGE, Page, RefusedError, Rendition
from .file_formats import FileFormat, detect_format
from .pdf import pdf_pages
from .pictures import pictures
from .protocol import ANSWER, COLOUR, DONE, FAIL, FILE, GREY, PAGE, receive
from .sandbox import limited_time, restrict_process

_RENDITIONS = {GREY: GREY_PAGE, COLOUR: COLOUR_COPY}


def main() -> None:
    """Serve the worker."""
    restrict_process()
    with socket.socket(fileno=int(sys.argv[1])) as connection, contextlib.suppress(EOFError):
        while True:
            rendition, size = FILE.unpack(receive(connection, FILE.size))
            content = bytes(receive(connection, size))
            with limited_time():
                _answer(connection, content, _RENDITIONS[rendition])


def _answer(connection: socket.socket, content: bytes, rendition: Rendition) -> None:
    """Send each page once it is decoded: the first is used even if the second kills this process."""
    file_format = detect_format(content)
    pages = _pages(content, file_format, rendition)
    sent = 0
    while True:
        try:
            page = next(pages, None)
        except Exception as error:
            # A broken page after a good one is ignored: the card is on the first.
            if not sent:
                code = _refusal_code(error, file_format).encode()
                connection.sendall(ANSWER.pack(FAIL, len(code), 0, 0) + code)
                return
            page = None
        if page is None:
            connection.sendall(ANSWER.pack(DONE, 0, 0, 0))
            return
        connection.sendall(ANSWER.pack(PAGE, page.height, page.width, page.orientation))
        connection.sendall(page.pixels)
        sent += 1


def _pages(content: bytes, file_format: FileFormat | None, rendition: Rendition) -> Iterator[Page]:
    if file_format is None:
        raise RefusedError("not_an_image")
    if file_format is FileFormat.PDF:
        yield from pdf_pages(content, rendition)
    else:
        yield from pictures(content, file_format, rendition)


def _refusal_code(error: Exception, file_format: FileFormat | None) -> str:
    if isinstance(error, RefusedError):
        return error.code
    if isinstance(error, MemoryError):
        return "image_too_large"
    return "broken_pdf" if file_format is FileFormat.PDF else "truncated_image"


if __name__ == "__main__":
    main()
