"""Answers one file after another until the worker is gone. Its argument is the socket to the worker."""

import contextlib
import socket
import sys
from collections.abc import Iterator

from .decoded_page import IN_COLOUR, IN_GREY, Form, Page, RefusedError
from .file_formats import Kind, kind_of
from .pdf import pdf_pages
from .pictures import pictures
from .protocol import ANSWER, COLOURS, DONE, FAIL, FILE, GREY, PAGE, receive
from .sandbox import confine, limited_time

_FORMS = {GREY: IN_GREY, COLOURS: IN_COLOUR}


def main() -> None:
    """Serve the worker."""
    confine()
    with socket.socket(fileno=int(sys.argv[1])) as connection, contextlib.suppress(EOFError):
        while True:
            wanted, size = FILE.unpack(receive(connection, FILE.size))
            content = bytes(receive(connection, size))
            with limited_time():
                _answer(connection, content, _FORMS[wanted])


def _answer(connection: socket.socket, content: bytes, form: Form) -> None:
    """Send each page as soon as it is there: the first one counts even when the second kills this process."""
    kind = kind_of(content)
    pages = _pages(content, kind, form)
    sent = 0
    while True:
        try:
            page = next(pages, None)
        except Exception as error:
            # What follows a good first page may well be broken; the card is on the first.
            if not sent:
                code = _code(error, kind).encode()
                connection.sendall(ANSWER.pack(FAIL, len(code), 0, 0) + code)
                return
            page = None
        if page is None:
            connection.sendall(ANSWER.pack(DONE, 0, 0, 0))
            return
        connection.sendall(ANSWER.pack(PAGE, page.height, page.width, page.orientation))
        connection.sendall(page.pixels)
        sent += 1


def _pages(content: bytes, kind: Kind | None, form: Form) -> Iterator[Page]:
    if kind is None:
        raise RefusedError("not_an_image")
    yield from pdf_pages(content, form) if kind is Kind.PDF else pictures(content, kind, form)


def _code(error: Exception, kind: Kind | None) -> str:
    if isinstance(error, RefusedError):
        return error.code
    if isinstance(error, MemoryError):
        return "image_too_large"
    return "broken_pdf" if kind is Kind.PDF else "truncated_image"


if __name__ == "__main__":
    main()
