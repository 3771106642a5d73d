"""Files made to take a reader down, each a few kilobytes to a few megabytes of the tests' own making."""

import io
import struct
import zlib

import PIL.Image

from tests.unit.reading.pages.samples import drawing_of_image, heic, pdf_of, pdf_page, sample, saved, stream


def squeezed(byte: bytes, size: int) -> bytes:
    """``size`` times the same byte, by zlib: one packed mebibyte again and again, which is quick."""
    part, rest, checksum = byte * (1 << 20), byte * (size & ((1 << 20) - 1)), 1
    machine = zlib.compressobj(9, wbits=-15)
    packed = machine.compress(part) + machine.flush(zlib.Z_FULL_FLUSH)
    for _ in range(size >> 20):
        checksum = zlib.adler32(part, checksum)
    end = machine.compress(rest) + machine.flush()
    return b"\x78\xda" + packed * (size >> 20) + end + struct.pack(">I", zlib.adler32(rest, checksum))


# --- PNG ---


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that says how large it is, and holds these chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def png_of_a_colour(width: int, height: int, channels: int, depth: int, colour: int) -> bytes:
    """A valid, large PNG in a few kilobytes."""
    pixels = squeezed(b"\0", height * (1 + width * channels * depth // 8))
    return png(width, height, chunk(b"IDAT", pixels), depth=depth, colour=colour)


def png_with_swollen_pixels() -> bytes:
    """Says 300 x 200, and its pixels inflate to a gigabyte."""
    return png(300, 200, chunk(b"IDAT", squeezed(b"\0", 1 << 30)))


def png_with_swollen_notes() -> bytes:
    """Notes and colour profile that inflate to half a gigabyte each, and a thousand notes of a megabyte."""
    half = squeezed(b"a", 1 << 29)
    small = chunk(b"zTXt", b"n\0\0" + squeezed(b"a", 1 << 20))
    notes = chunk(b"zTXt", b"n\0\0" + half) + chunk(b"iTXt", b"n\0\1\0\0\0" + half) + small * 1000
    pixels = chunk(b"IDAT", zlib.compress(bytes(200 * 901)))
    return png(300, 200, chunk(b"iCCP", b"p\0\0" + half), notes, pixels)


# --- JPEG ---


def jpeg_that_claims(width: int, height: int) -> bytes:
    content = bytearray(saved(sample(), "JPEG"))
    place = content.index(b"\xff\xc0")
    content[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def jpeg_without_end(size: int) -> bytes:
    """The largest size that is decoded, and picture data that goes on and on."""
    content = jpeg_that_claims(12_000, 10_000)
    return content[:-2] + b"\x55\xaa" * ((size - len(content)) // 2)


def jpeg_of_many_scans(scans: int) -> bytes:
    """A progressive JPEG of 48 megapixels whose last scan comes again and again."""
    content = saved(PIL.Image.new("L", (8000, 6000), 128), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * scans + b"\xff\xd9"


# --- TIFF, WebP, HEIC ---


def tiff_that_loops() -> bytes:
    """A TIFF whose page says that the next page is itself."""
    content = bytearray(saved(sample(), "TIFF"))
    (place,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, place)
    struct.pack_into("<I", content, place + 2 + 12 * entries, place)
    return bytes(content)


def tiff_of_many_pages(pages: int) -> bytes:
    return saved(sample(), "TIFF", save_all=True, append_images=[sample()] * (pages - 1))


def tiff_that_claims(width: int, height: int, tag_values: dict[int, int] | None = None) -> bytes:
    """A deflated TIFF of one strip with these values in its table of tags."""
    content = bytearray(saved(sample(), "TIFF", compression="tiff_adobe_deflate"))
    values = {256: width, 257: height, 278: height, **(tag_values or {})}
    (place,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, place)
    for entry in range(place + 2, place + 2 + 12 * entries, 12):
        tag, _, count = struct.unpack_from("<HHI", content, entry)
        if tag in values and count == 1:
            struct.pack_into("<HHII", content, entry, tag, 4, 1, values[tag])
    return bytes(content)


def webp_that_claims(width: int, height: int) -> bytes:
    """An animation's canvas of this size, of which only a corner is there."""
    frames = [sample(), sample().rotate(180)]
    content = bytearray(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    content[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


def heic_that_claims(width: int, height: int) -> bytes:
    content = bytearray(heic(sample()))
    place = content.index(b"ispe") + 8
    content[place : place + 8] = struct.pack(">II", width, height)
    return bytes(content)


# --- PDF ---


def pdf_drawing(content: bytes, size: float = 240) -> bytes:
    """A square page, ``size`` points wide, that is drawn by ``content``."""
    return pdf_of(pdf_page(content=stream(content), size=(size, size)))


def pdf_page_of(side: float) -> bytes:
    """A page of ``side`` x ``side`` points in 12 kB."""
    return pdf_drawing(b"0 0 9 9 re f" + b" " * 11_500, side)


def pdf_with_password() -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 240 150] >>"
    lock = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"11" * 32, b"22" * 32)
    tree = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return pdf_of(
        [b"<< /Type /Catalog /Pages 2 0 R >>", tree, page, lock], trailer=b"/Encrypt 4 0 R /ID [<00> <00>]"
    )


def pdf_with_image(width: int, height: int, data: bytes, filters: bytes) -> bytes:
    entries = b"/Type /XObject /Subtype /Image /Width %d /Height %d" % (width, height)
    entries += b" /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter [%s]" % filters
    return drawing_of_image(stream(data, entries))


def pdf_of_packed_image() -> bytes:
    """A page with an image of 35,000 x 35,000, packed twice."""
    return pdf_with_image(
        35_000, 35_000, zlib.compress(squeezed(b"\0", 35_000 * 4375)), b"/FlateDecode /FlateDecode"
    )


def pdf_with_lying_jpx() -> bytes:
    """An image that the page says is 64 x 64 and its own header 40,000 x 40,000."""
    buffer = io.BytesIO()
    PIL.Image.new("L", (64, 64)).save(buffer, "JPEG2000", no_jp2=True)
    content = bytearray(buffer.getvalue())
    place = content.index(b"\xff\x51") + 6
    struct.pack_into(">II", content, place, 40_000, 40_000)
    struct.pack_into(">II", content, place + 16, 40_000, 40_000)
    return pdf_with_image(64, 64, bytes(content), b"/JPXDecode")


def pdf_with_lying_jbig2(side: int) -> bytes:
    """An image that the page says is 64 x 64, with a region of ``side`` x ``side`` inside."""
    page = struct.pack(">IBBBI", 0, 48, 0, 1, 19) + struct.pack(">IIIIBH", side, side, 0, 0, 0, 0)
    region = struct.pack(">IIIIB", side, side, 0, 0, 0) + b"\0" + bytes([3, 255, 253, 255, 2, 254, 254, 254])
    data = bytes(64)
    segment = struct.pack(">IBBBI", 1, 38, 0, 1, len(region) + len(data))
    return pdf_with_image(64, 64, page + segment + region + data, b"/JBIG2Decode")


def large_image() -> bytes:
    """The object of an image of 35,000 x 35,000 grey pixels, packed twice."""
    entries = b"/Type /XObject /Subtype /Image /Width 35000 /Height 35000 /ColorSpace /DeviceGray"
    body = zlib.compress(squeezed(b"\0", 35_000 * 35_000))
    return stream(body, entries + b" /BitsPerComponent 8 /Filter [/FlateDecode /FlateDecode]")


def pdf_with_soft_mask() -> bytes:
    """A small image whose mask of transparency is 35,000 x 35,000."""
    image = b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8"
    page = pdf_page(content=stream(b"240 0 0 150 0 0 cm /I Do"), resources=b"/XObject << /I 5 0 R >>")
    return pdf_of([*page, stream(bytes(64), image + b" /SMask 6 0 R"), large_image()])


def pdf_with_pattern(tile: bytes, step: float, *more: bytes) -> bytes:
    """A page filled with ``tile``, drawn again every ``step`` points; ``more`` are objects 6 and on."""
    page = pdf_page(
        content=stream(b"/Pattern cs /P scn 0 0 240 150 re f"), resources=b"/Pattern << /P 5 0 R >>"
    )
    entries = b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 10 10]"
    entries += b" /XStep %g /YStep %g /Resources << /XObject << /I 6 0 R >> >>" % (step, step)
    return pdf_of([*page, stream(tile, entries), *more])


def pdf_with_dense_pattern() -> bytes:
    return pdf_with_pattern(b"0 0 1 1 re f", 0.0002)


def pdf_with_pattern_of_image() -> bytes:
    return pdf_with_pattern(b"10 0 0 10 0 0 cm /I Do", 10, large_image())


def pdf_of_pages(count: int) -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 240 150] >>"
    kids = b" ".join(b"%d 0 R" % number for number in range(3, count + 3))
    tree = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count)
    return pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", tree, *[page] * count])


def pdf_whose_pages_loop() -> bytes:
    tree = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000000 >>"
    return pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", tree])


def pdf_that_draws_itself() -> bytes:
    """A form that draws itself twice."""
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 240 150] /Resources << /XObject << /F 5 0 R >> >>"
    page = pdf_page(content=stream(b"/F Do"), resources=b"/XObject << /F 5 0 R >>")
    return pdf_of([*page, stream(b"/F Do /F Do", form)])


def pdf_of_forms_in_forms(levels: int, fold: int) -> bytes:
    """Forms that draw the next one ``fold`` times each: ``fold`` to the power of ``levels`` strokes."""
    page = pdf_page(content=stream(b"/F Do"), resources=b"/XObject << /F 5 0 R >>")
    entries = b"/Type /XObject /Subtype /Form /BBox [0 0 240 150]"
    forms = [
        stream(b"/F Do " * fold, entries + b" /Resources << /XObject << /F %d 0 R >> >>" % (number + 1))
        for number in range(5, 5 + levels)
    ]
    return pdf_of([*page, *forms, stream(b"0 0 m 240 150 l S", entries)])


def pdf_with_swollen_content(size: int) -> bytes:
    """A page whose drawing inflates to ``size`` bytes of blanks."""
    packed = zlib.compress(squeezed(b" ", size))
    return pdf_of(pdf_page(content=stream(packed, b"/Filter [/FlateDecode /FlateDecode]")))


def pdf_of_curves(count: int) -> bytes:
    """A page of ``count`` curves, packed."""
    machine = zlib.compressobj(9)
    part = b"0 0 m 240 150 0 150 240 0 c S\n" * 1000
    packed = b"".join(machine.compress(part) for _ in range(count // 1000)) + machine.flush()
    return pdf_of(pdf_page(content=stream(packed, b"/Filter /FlateDecode")))


def pdf_whose_second_page_is_hostile() -> bytes:
    """A good first page, and a second whose drawing inflates to two gigabytes."""
    first = pdf_page(content=stream(b"0 0 240 75 re f"))
    first[1] = b"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>"
    second = first[2].replace(b"4 0 R", b"6 0 R")
    packed = zlib.compress(squeezed(b" ", 1 << 31))
    return pdf_of([*first, second, stream(packed, b"/Filter [/FlateDecode /FlateDecode]")])
