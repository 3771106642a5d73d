import subprocess
import sys

from service.reading.ocr.engine import Engine
from service.reading.ocr.loading import WARM_UP_TEXT, warm_up


def test_warming_up_returns_the_text_of_the_specimen(onnx_engine: Engine) -> None:
    assert warm_up(onnx_engine) == "\n".join(WARM_UP_TEXT)


def test_the_tesseract_driver_needs_no_onnxruntime() -> None:
    program = "import sys; sys.modules['onnxruntime'] = None; import service.reading.ocr.tesseract"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_onnx_driver_without_onnxruntime_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from service.reading.ocr.loading import load_engine\n"
        "try: load_engine('onnx')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )

    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert said.startswith("SettingsError OCR_GPU_DRIVER=onnx, but ONNX Runtime is missing")
    assert "`cpu` or `gpu`" in said
