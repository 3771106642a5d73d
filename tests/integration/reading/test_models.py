"""The models we ship against the models that they are derived from."""

import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFont

import devstack
from service.reading.ocr.detection import corners, find_boxes
from service.reading.ocr.engine import Image
from service.reading.ocr.recognition import Recogniser
from service.reading.ocr.sessions import Tensor, load_network
from tools.models import derive

FONTS = Path(devstack.__file__).parent / "fonts"

LINES = [
    ("OCRA.ttf", "3171054708900003"),
    ("Arimo-Bold.ttf", "PROVINSI DKI JAKARTA"),
    ("Arimo-Regular.ttf", "RATNA DEWI KUSUMA, S.E."),
    ("Arimo-Regular.ttf", "Tempat/Tgl Lahir"),
    ("Arimo-Regular.ttf", "JAKARTA, 07-08-1990"),
    ("Arimo-Regular.ttf", "JL. MERPATI NO. 17 (BLOK C)"),
    ("Arimo-Bold.ttf", "12.345.678.9-012.345"),
    ("Arimo-Regular.ttf", "KARYAWAN SWASTA"),
    ("Arimo-Regular.ttf", "Kewarganegaraan"),
]


def line(font: str, text: str, height: int = 48) -> Image:
    """A straight picture of a line, ``height`` pixels high."""
    face = ImageFont.truetype(FONTS / font, height * 5 // 8)
    picture = PIL.Image.new("L", (int(face.getlength(text)) + height // 2, height), 220)
    ImageDraw.Draw(picture).text((height // 4, height // 2), text, font=face, fill=20, anchor="lm")
    return np.array(picture)


def words(*words: str, gap: int) -> Image:
    """A line 32 pixels high whose words stand ``gap`` pixels further apart than letters do."""
    face = ImageFont.truetype(FONTS / "Arimo-Regular.ttf", 20)
    width = sum(int(face.getlength(word)) + gap for word in words) + 16
    picture = PIL.Image.new("L", (width, 32), 220)
    x = 8.0
    for word in words:
        ImageDraw.Draw(picture).text((x, 16), word, font=face, fill=20, anchor="lm")
        x += face.getlength(word) + gap
    return np.array(picture)


def origin_bytes(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"rapidocr/models/{name}.onnx")


def as_origin(batch: Tensor) -> Tensor:
    """An input as the origin takes it: three channels, which are equal in grey."""
    return np.repeat(batch, 3, axis=1)


def origin(wheel: Path, name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(origin_bytes(wheel, name), options)


def test_the_same_wheel_gives_the_listed_models_byte_for_byte(wheel: Path) -> None:
    models = derive.derive(wheel)

    assert derive.sums_of(models) == derive.SUMS.read_text()
    assert all((derive.FOLDER / name).read_bytes() == content for name, content in models.items())


#: What reads a line first and what reads it again on a CPU.
CPU_RECOGNISERS = ("recogniser-small-int8", "recogniser-int8")


@pytest.mark.parametrize(
    ("name", "height"), [("recogniser", 48), ("recogniser", 32), ("recogniser-small-int8", 32)]
)
def test_the_recogniser_reads_clear_print(name: str, height: int) -> None:
    recogniser = Recogniser(load_network(name, "cpu"))

    read = recogniser.read_all([line(*printed, height) for printed in LINES])

    assert [one.text for one in read] == [text for _, text in LINES]


@pytest.mark.parametrize("text", ["SYAFI'I RO'FAH", "JL.MELATI NO.5", "H.M.ALI, S.E., M.M."])
@pytest.mark.parametrize("name", CPU_RECOGNISERS)
def test_marks_that_are_a_few_pixels_wide_are_read(name: str, text: str) -> None:
    recogniser = Recogniser(load_network(name, "cpu"))

    (read,) = recogniser.read_all([line("Arimo-Regular.ttf", text, 32)])

    assert read.text == text


@pytest.mark.parametrize("name", CPU_RECOGNISERS)
def test_a_blank_half_as_wide_as_usual_is_read_and_one_that_is_not_there_is_not(name: str) -> None:
    recogniser = Recogniser(load_network(name, "cpu"))

    close, joined = recogniser.read_all([words("BUDI", "HARTONO", gap=gap) for gap in (3, 0)])

    assert (close.text, joined.text) == ("BUDI HARTONO", "BUDIHARTONO")
    assert max(close.blank_doubt, joined.blank_doubt) < 0.5


@pytest.mark.parametrize("height", [48, 32])
def test_the_int8_recogniser_reads_what_the_float_one_reads(height: int) -> None:
    lines = [line(*printed, height) for printed in LINES]

    floats, rounded = (
        Recogniser(load_network(name, "cpu")).read_all(lines) for name in ("recogniser", "recogniser-int8")
    )

    assert [read.text for read in rounded] == [read.text for read in floats]
    assert [read.min_certainty for read in rounded] == pytest.approx(
        [read.min_certainty for read in floats], abs=0.1
    )


@pytest.fixture(scope="module")
def printed_page() -> Tensor:
    """Four lines of print as the detector takes them."""
    page = np.full((224, 320), 235, np.uint8)
    for row, printed in enumerate(LINES[:4]):
        printed_line = line(*printed)[:, :300]
        page[row * 55 : row * 55 + 48, 10 : 10 + printed_line.shape[1]] = printed_line
    return np.asarray(page[None, None] / 127.5 - 1, np.float32)


def test_the_int8_detector_finds_what_the_float_one_finds(printed_page: Tensor) -> None:
    floats, rounded = (
        find_boxes(load_network(name, "cpu").run(printed_page)[0][0, 0])
        for name in ("detector", "detector-int8")
    )

    assert len(rounded) == len(floats) == 4
    assert corners(rounded) == pytest.approx(corners(floats), abs=2)


def test_other_models_than_the_listed_are_not_written(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "SHA256SUMS").write_text("0" * 64 + "  detector.onnx\n")
    monkeypatch.setattr(derive, "FOLDER", tmp_path)
    monkeypatch.setattr(derive, "SUMS", tmp_path / "SHA256SUMS")

    status = derive.main([str(wheel)])

    assert status == 1
    assert "--write-sums" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["SHA256SUMS"]
