"""Models on a device: checked files become ONNX Runtime sessions, and its failures become our errors."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from service.errors import DeviceError, EngineError, SettingsError
from service.ocr.engine import Device

#: One input of any model here: batch x channels x height x width.
Tensor = npt.NDArray[np.float32]

#: Grow by what is asked for, not by doubling: pages differ in size and others may share the GPU. The
#: heuristic search answers at once for every new shape; an exhaustive one stalls the first pages for seconds.
CUDA_OPTIONS = {
    "device_id": 0,
    "arena_extend_strategy": "kSameAsRequested",
    "cudnn_conv_algo_search": "HEURISTIC",
}


@dataclass(frozen=True, slots=True)
class Network:
    """One model on one device; safe to run from several threads at once."""

    session: Any
    device: Device

    def run(self, batch: Tensor) -> list[npt.NDArray[Any]]:
        """Return the model's outputs for its one input.

        Raises:
            DeviceError: the GPU failed.
            EngineError: the CPU did.
        """
        try:
            outputs: list[npt.NDArray[Any]] = self.session.run(
                None, {self.session.get_inputs()[0].name: batch}
            )
        except Exception as error:  # ONNX Runtime's own exceptions share no base class below this one
            raise _failure(self.device, "running", error) from error
        return outputs

    def metadata(self, key: str) -> str:
        """Return an entry of the model's own metadata."""
        entries: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        return entries[key]


def load_network(name: str, device: Device) -> Network:
    """Open the shipped model ``name`` (without ``.onnx``) on a device, and on no other.

    Raises:
        SettingsError: the model file is missing or is not the one listed in SHA256SUMS.
        DeviceError: the model cannot be placed on the GPU.
    """
    model = checked_model(resources.files("service.ocr.models"), f"{name}.onnx")
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cuda":
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise DeviceError("this ONNX Runtime is built without CUDA")
        # CUDA and cuDNN may lie in wheels, where the system's loader does not look.
        onnxruntime.preload_dlls()
        providers.insert(0, ("CUDAExecutionProvider", CUDA_OPTIONS))
    try:
        session = onnxruntime.InferenceSession(
            model, sess_options=_options(), providers=providers, enable_fallback=False
        )
    except Exception as error:
        raise _failure(device, "loading", error) from error
    # Without CUDA's libraries the session is created on the CPU all the same, with no more than a warning.
    if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        raise DeviceError("ONNX Runtime placed the model on the CPU: CUDA or cuDNN cannot be loaded")
    return Network(session, device)


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    # Jobs run side by side, each on one core: that beats one job on all cores. Spinning would steal cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A pattern is planned and kept for every input shape, and hardly two lines have the same.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options


def checked_model(folder: Traversable, file_name: str) -> bytes:
    """Read a model that is exactly the one that the folder's SHA256SUMS lists.

    Raises:
        SettingsError: it is missing or another one.
    """
    try:
        content = (folder / file_name).read_bytes()
    except FileNotFoundError as error:
        raise SettingsError(f"the OCR model {file_name} is missing: run `make models`") from error
    listed = (line.split() for line in (folder / "SHA256SUMS").read_text().splitlines())
    if [hashlib.sha256(content).hexdigest(), file_name] not in listed:
        raise SettingsError(f"the OCR model {file_name} is not the one in SHA256SUMS: run `make models`")
    return content


def _failure(device: Device, doing: str, error: Exception) -> EngineError:
    """Put ONNX Runtime's complaint in our terms; it speaks of nodes and shapes, never of a page's content."""
    reason = f"{doing} the model failed: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return DeviceError(reason) if device == "cuda" else EngineError(reason)
