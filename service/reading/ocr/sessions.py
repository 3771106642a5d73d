"""Models on a device: checked files become ONNX Runtime sessions, and its failures become our errors."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime

from service.errors import DeviceError, EngineError, SettingsError
from service.reading.ocr import failures
from service.reading.ocr.cuda import (
    describe_build,
    load_libraries,
    missing_libraries,
    number_as_driver,
    require_cuda,
)
from service.reading.ocr.engine import Device
from service.reading.ocr.shapes import EXACT, Sizes
from service.reading.ocr.tuning import DEFAULT_TUNING, GpuTuning

#: One input of any model here: batch x channels x height x width.
Tensor = npt.NDArray[np.float32]

#: What a network makes of one batch: each output's first axis is the batch's.
Outputs: TypeAlias = list[npt.NDArray[Any]]


class Network(Protocol):
    """One model on one device; safe to run from several threads at once."""

    @property
    def sizes(self) -> Sizes:
        """How large it wants its pictures."""

    def run(self, batch: Tensor) -> Outputs:
        """Return the model's outputs for its one input.

        Raises:
            DeviceError: the GPU failed.
            EngineError: the CPU did.
        """

    def run_all(self, inputs: Iterable[Tensor]) -> list[Outputs]:
        """Run inputs of batch size 1, of any shapes; outputs in the same order. Raises as ``run``."""

    def metadata(self, key: str) -> str:
        """Return an entry of the model's own metadata."""


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A model in a session of its own, run by the thread that asks, one input at a time."""

    session: Any
    device: Device
    sizes: Sizes = EXACT

    def run(self, batch: Tensor) -> Outputs:
        """As ``Network.run``."""
        try:
            outputs: Outputs = self.session.run(None, {self.session.get_inputs()[0].name: batch})
        except Exception as error:  # ONNX Runtime's own exceptions share no base class below this one
            raise _failure(self.device, "running", error) from error
        return outputs

    def run_all(self, inputs: Iterable[Tensor]) -> list[Outputs]:
        """As ``Network.run_all``: batches of lines only cost a CPU time."""
        return [self.run(batch) for batch in inputs]

    def metadata(self, key: str) -> str:
        """As ``Network.metadata``."""
        entries: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        return entries[key]


def load_network(name: str, device: Device, tuning: GpuTuning = DEFAULT_TUNING) -> LoadedNetwork:
    """Open the shipped model ``name`` (without ``.onnx``) on a device, and on no other.

    Raises:
        SettingsError: the model file is missing or is not the one listed in SHA256SUMS.
        DeviceError: the model cannot be placed on the GPU.
    """
    model = checked_model(resources.files("service.reading.ocr.models"), f"{name}.onnx")
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cuda":
        require_cuda()
        number_as_driver()
        load_libraries()
        providers.insert(0, tuning.as_provider())
    try:
        session = onnxruntime.InferenceSession(
            model, sess_options=_options(), providers=providers, enable_fallback=False
        )
    except Exception as error:
        raise _failure(device, "loading", error) from error
    # Without CUDA's libraries the session is created on the CPU all the same, with no more than a warning.
    if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        missing = ", ".join(missing_libraries()) or "nothing that could be named"
        raise DeviceError(f"{describe_build()} placed the model on the CPU; missing: {missing}")
    return LoadedNetwork(session, device)


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
    if device == "cuda":
        return failures.while_running(error) if doing == "running" else failures.while_loading(error)
    return EngineError(
        f"{doing} the model failed: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    )
