"""Files that other programs open: odd, but not damaged."""

import io

import numpy as np
import PIL.Image
import pypdfium2
import pytest
from PIL.PngImagePlugin import PngInfo

from service.errors import DocumentError
from service.reading.pages import read_pages
from tests.unit.reading.pages.samples import (
    ARITHMETIC_JPEG,
    BLUE,
    GREEN,
    GREY,
    RED,
    assert_quarters,
    drawing_of_image,
    grey_pages,
    pdf_of,
    pdf_page,
    sample,
    saved,
    stream,
)

QUARTERS = (RED, GREEN, BLUE, GREY)


def noise(width: int = 300, height: int = 200) -> PIL.Image.Image:
    grain = np.random.default_rng(1).integers(0, 255, (height // 4, width // 4, 3), np.uint8)
    return PIL.Image.fromarray(grain).resize((width, height))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(300, 200), (1600, 1200)])
def test_a_jpeg_without_its_end_marker_is_read(size: tuple[int, int], progressive: bool) -> None:
    content = saved(noise(*size), "JPEG", progressive=progressive, quality=90)

    (whole,), (page,) = grey_pages(content), grey_pages(content[:-2])

    assert (page == whole).all()


def test_a_progressive_jpeg_that_lacks_whole_scans_is_refused() -> None:
    content = saved(noise(), "JPEG", progressive=True, quality=90)
    scans = [place for place in range(len(content)) if content.startswith(b"\xff\xda", place)]

    with pytest.raises(DocumentError) as caught:
        read_pages(content[: scans[-1]])

    assert caught.value.code == "truncated_image"


def test_an_arithmetic_jpeg_of_more_than_one_block_is_read() -> None:
    # Pillow reads blocks of 64 KiB, and libjpeg's arithmetic decoder cannot wait for the next one. Here a
    # block ends in the picture.
    length = 2**16 - len(ARITHMETIC_JPEG) + 40
    comment = b"\xff\xfe" + (length - 2).to_bytes(2, "big") + bytes(length - 4)

    (page,) = grey_pages(ARITHMETIC_JPEG[:2] + comment + ARITHMETIC_JPEG[2:])

    assert_quarters(page, *QUARTERS)


@pytest.mark.parametrize("kind", ["iCCP", "zTXt", "iTXt"])
def test_a_png_with_large_metadata_is_read(kind: str) -> None:
    info, profile = PngInfo(), None
    if kind == "iCCP":
        profile = np.random.default_rng(1).bytes(2_000_000)
    elif kind == "zTXt":
        info.add_text("Comment", "x" * 2_000_000, zip=True)
    else:
        info.add_itxt("Comment", "x" * 2_000_000, zip=True)
    content = saved(sample(), "PNG", pnginfo=info, icc_profile=profile)

    (page,) = grey_pages(content)

    assert_quarters(page, *QUARTERS)


@pytest.mark.parametrize("brand", [b"avif", b"mif1"])
def test_avif_is_read_under_either_major_brand(brand: bytes) -> None:
    content = saved(sample(), "AVIF", quality=90)

    (page,) = grey_pages(content[:8] + brand + content[12:])

    assert_quarters(page, *QUARTERS)


def test_half_an_avif_is_refused() -> None:
    content = saved(noise(), "AVIF")

    with pytest.raises(DocumentError) as caught:
        read_pages(content[: len(content) // 2])

    assert caught.value.code == "truncated_image"


@pytest.mark.parametrize(
    ("size", "progressive"), [((16320, 12240), False), ((8192, 6144), True)], ids=["200 MP", "progressive"]
)
def test_a_jpeg_of_many_pixels_is_decoded_at_a_reduced_size(size: tuple[int, int], progressive: bool) -> None:
    content = saved(PIL.Image.new("L", size, 200), "JPEG", progressive=progressive)

    (page,) = grey_pages(content)

    assert max(page.shape) == size[0] / (8 if size[0] > 10_000 else 4)


def test_a_large_mask_over_a_page_is_drawn() -> None:
    mask, photo = PIL.Image.new("1", (4960, 7016), 1), sample(3508, 4960)
    objects = pdf_page(
        content=stream(b"240 0 0 150 0 0 cm /P Do 1 g /M Do"),
        resources=b"/XObject << /P 5 0 R /M 6 0 R >>",
    )
    photo_entries = b"/Subtype /Image /Width 3508 /Height 4960 /ColorSpace /DeviceRGB /BitsPerComponent 8"
    mask_entries = b"/Subtype /Image /ImageMask true /Width 4960 /Height 7016 /BitsPerComponent 1"
    jpeg, bits = saved(photo, "JPEG", quality=95), saved(mask, "TIFF", compression="group4")
    strip = PIL.Image.open(io.BytesIO(bits)).tag_v2  # type: ignore[attr-defined]
    packed = bits[strip[273][0] : strip[273][0] + strip[279][0]]
    fax = b"/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 4960 /Rows 7016 >>"
    content = pdf_of(
        [
            *objects,
            stream(jpeg, photo_entries + b" /Filter /DCTDecode"),
            stream(packed, mask_entries + b" " + fax),
        ]
    )

    (page,) = grey_pages(content)

    assert page.shape == (625, 1001)


def pdf_with_annotation(annotation: bytes, *more: bytes, catalog: bytes = b"") -> bytes:
    """A page without content of its own, with a picture as appearance of its annotation."""
    jpeg = saved(sample(), "JPEG", quality=95)
    image = b"/Subtype /Image /Width 300 /Height 200 /ColorSpace /DeviceRGB /BitsPerComponent 8"
    form = b"/Subtype /Form /BBox [0 0 240 150] /Resources << /XObject << /I 6 0 R >> >>"
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 240 150] /Annots [4 0 R] >>",
            b"<< /Type /Annot /Rect [0 0 240 150] /F 4 /AP << /N 5 0 R >> %s >>" % annotation,
            stream(b"240 0 0 150 0 0 cm /I Do", form),
            stream(jpeg, image + b" /Filter /DCTDecode"),
            *more,
        ]
    )


def test_a_card_in_a_stamp_is_drawn() -> None:
    (page,) = grey_pages(pdf_with_annotation(b"/Subtype /Stamp"))

    assert_quarters(page, *QUARTERS)


def test_a_card_on_the_button_of_a_form_is_drawn() -> None:
    button = b"/Subtype /Widget /FT /Btn /Ff 65536 /T (photo) /MK << /TP 1 >>"

    (page,) = grey_pages(pdf_with_annotation(button, catalog=b"/AcroForm << /Fields [4 0 R] >>"))

    assert_quarters(page, *QUARTERS)


def blank_pages_and(*images: PIL.Image.Image, blank: int) -> bytes:
    pages = [PIL.Image.new("RGB", images[0].size, (250, 250, 246)) for _ in range(blank)]
    first, *others = [*pages, *images]
    return saved(first, "PDF", save_all=True, append_images=others, resolution=216, quality=95)


@pytest.mark.parametrize("blank", [1, 2, 5])
def test_a_card_behind_blank_pages_is_found(blank: int) -> None:
    pages = read_pages(blank_pages_and(sample(720, 450), blank=blank))

    assert_quarters(pages[-1].image, *QUARTERS)
    copy = pages[-1].in_colour()
    assert copy is not None
    assert np.ptp(copy.reshape(-1, 3), axis=0).min() > 100


def test_of_many_pages_the_first_two_that_show_something_are_read() -> None:
    pages = grey_pages(blank_pages_and(sample(720, 450), sample(450, 720), sample(600, 600), blank=2))

    assert [page.shape[0] < page.shape[1] for page in pages] == [True, False]


def test_many_blank_pages_are_one_blank_page() -> None:
    pages = grey_pages(blank_pages_and(PIL.Image.new("RGB", (720, 450), "white"), blank=5))

    assert [len({*page.ravel().tolist()}) for page in pages] == [1]


def test_a_picture_that_is_attached_to_a_pdf_is_read() -> None:
    document = pypdfium2.PdfDocument(blank_pages_and(PIL.Image.new("RGB", (720, 450), "white"), blank=0))
    for name, content in (("notes.txt", b"no picture"), ("ktp.jpg", saved(sample(), "JPEG", quality=95))):
        document.new_attachment(name).set_data(content)
    buffer = io.BytesIO()
    document.save(buffer)

    pages = grey_pages(buffer.getvalue())

    assert_quarters(pages[-1], *QUARTERS)


def test_an_attachment_that_is_no_picture_changes_nothing() -> None:
    document = pypdfium2.PdfDocument(drawing_of_image(b"<< >>"))
    document.new_attachment("ktp.jpg").set_data(b"\xff\xd8\xff\xe0 cut off")
    buffer = io.BytesIO()
    document.save(buffer)

    assert len(read_pages(buffer.getvalue())) == 1
