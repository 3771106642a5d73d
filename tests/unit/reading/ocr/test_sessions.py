import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from service.errors import DeviceError, EngineError, SettingsError
from service.reading.ocr.sessions import load_network, read_model


def folder_with(tmp_path: Path, content: bytes, digest: str) -> Path:
    (tmp_path / "detector.onnx").write_bytes(content)
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  detector.onnx\n")
    return tmp_path


def test_a_model_with_the_listed_hash_is_read(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, b"weights", hashlib.sha256(b"weights").hexdigest())

    assert read_model(folder, "detector.onnx") == b"weights"


def test_a_missing_model_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"detector\.onnx is missing: run `make models`"):
        read_model(tmp_path, "detector.onnx")


def test_an_altered_model_is_not_opened(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, b"other weights", hashlib.sha256(b"weights").hexdigest())

    with pytest.raises(SettingsError, match="does not match SHA256SUMS"):
        read_model(folder, "detector.onnx")


def test_a_failure_of_the_runtime_is_an_engine_error() -> None:
    network = load_network("recogniser", "cpu")

    with pytest.raises(EngineError, match="running the model failed") as caught:
        network.run(np.zeros((1, 2, 48, 64), np.float32))

    assert not isinstance(caught.value, DeviceError)


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this ONNX Runtime has CUDA, so its absence cannot be seen",
)
def test_cuda_that_is_not_there_is_a_device_error_and_never_the_cpu_instead() -> None:
    with pytest.raises(DeviceError, match="without CUDA"):
        load_network("detector", "cuda")
