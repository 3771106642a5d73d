"""What the worker and its decoder say to each other: a file one way, pages or a refusal the other.

Messages go through a socket, pixels through memory that both see: to send them took longer than to copy them.
Every message has a header of fixed size; nothing in it is ever evaluated, so a decoder that a file has taken
over can answer nonsense, but not reach the worker with it.
"""

import socket
import struct

#: How a file is announced: what is wanted of it, and its bytes.
FILE = struct.Struct("!4sI")

#: Its pages in grey, or small copies of them in blue, green, red.
GREY, COLOURS = b"grey", b"bgr "

#: How an answer begins: its kind and three numbers.
ANSWER = struct.Struct("!4sIIB")

#: A page (height, width, EXIF's orientation; page n's pixels are at n times ``PAGE_ROOM`` of the memory), the
#: end of the pages, a refusal (its code's length, two zeros, the code).
PAGE, DONE, FAIL = b"page", b"done", b"fail"


def receive(connection: socket.socket, size: int) -> bytearray:
    """Return the next ``size`` bytes.

    Raises:
        EOFError: the other side is gone.
    """
    content = bytearray(size)
    missing = memoryview(content)
    while missing:
        received = connection.recv_into(missing)
        if not received:
            raise EOFError
        missing = missing[received:]
    return content
