"""Structure of JPEG files (ITU-T T.81, annex B)."""

_SOS = b"\xff\xda"

#: Markers of frames: SOF0 to SOF15, without DHT, JPG and DAC.
_FRAMES = {0xC0 + number for number in range(16)} - {0xC4, 0xC8, 0xCC}

#: Coefficients of a block.
_COEFFICIENTS = 64


def has_all_scans(content: bytes) -> bool:
    """Whether a file has all scans: each coefficient of each component down to its last bit.

    A progressive JPEG stores a picture in several scans of growing detail. The last scan may be incomplete.
    """
    components, start = _header(content)
    complete: set[tuple[int, int]] = set()
    while start >= 0:
        length = int.from_bytes(content[start + 2 : start + 4], "big")
        header = content[start + 4 : start + 2 + length]
        if len(header) < 6 or len(header) != 4 + 2 * header[0]:
            return False
        first, last, precision = header[-3:]
        # The lower half byte is the number of low bits that are still missing.
        if not precision & 0x0F:
            scanned = header[1:-3:2]
            complete |= {(one, index) for one in scanned for index in range(first, min(last, 63) + 1)}
        start = content.find(_SOS, start + 2)
    return components > 0 and len(complete) == components * _COEFFICIENTS


def _header(content: bytes) -> tuple[int, int]:
    """Return the number of components, and the offset of the first scan; 0 and -1 if there is none."""
    offset, components = 2, 0
    while content[offset : offset + 1] == b"\xff":
        marker = content[offset + 1]
        if marker == _SOS[1]:
            return components, offset
        if marker in _FRAMES:
            components = content[offset + 9] if len(content) > offset + 9 else 0
        offset += 2 + int.from_bytes(content[offset + 2 : offset + 4], "big")
    return 0, -1
