"""What the worker and its decoder say to each other: a file one way, pages or a refusal the other.

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

#: A page (height, width, EXIF's orientation, then its pixels), the end of the pages, a refusal (its code's
#: length, two zeros, the code).
PAGE, DONE, FAIL = b"page", b"done", b"fail"


def receive_into(connection: socket.socket, target: memoryview) -> None:
    """Fill ``target`` with the bytes that come next.

    Raises:
        EOFError: the other side is gone.
    """
    while target:
        received = connection.recv_into(target)
        if not received:
            raise EOFError
        target = target[received:]


def receive(connection: socket.socket, size: int) -> bytearray:
    """Return the next ``size`` bytes.

    Raises:
        EOFError: the other side is gone.
    """
    content = bytearray(size)
    receive_into(connection, memoryview(content))
    return content
