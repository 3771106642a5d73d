"""ONNX Runtime sessions of the shipped models, with checked files and translated errors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime

from service.errors import DeviceError, EngineError, SettingsError
from service.reading.ocr import failures
from service.reading.ocr.cores import Cores
from service.reading.ocr.cuda import (
    describe_build,
    load_libraries,
    missing_libraries,
    require_cuda,
    use_driver_order,
)
from service.reading.ocr.engine import Device
from service.reading.ocr.shapes import EXACT, Sizes
from service.reading.ocr.tuning import DEFAULT_TUNING, GpuTuning

#: Input of a model: batch x channels x height x width.
Tensor = npt.NDArray[np.float32]

#: Outputs of a model for one batch; the first axis of each is the batch.
Outputs: TypeAlias = list[npt.NDArray[Any]]


class Network(Protocol):
    """One model on one device. Thread-safe."""

    @property
    def sizes(self) -> Sizes:
        """Input sizes that suit the device."""

    def run(self, batch: Tensor) -> Outputs:
        """Return the outputs for the model's only input.

        Raises:
            DeviceError: the GPU failed.
            EngineError: ONNX Runtime failed on the CPU.
        """

    def run_all(self, inputs: Sequence[Tensor]) -> list[Outputs]:
        """Run inputs of batch size 1 and of any shape; outputs are in the same order. Raises as ``run``."""

    def metadata(self, key: str) -> str:
        """Return an entry of the model's metadata."""


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A model in its own session, which computes one input on one core."""

    session: Any
    device: Device
    sizes: Sizes = EXACT
    #: Compute several inputs side by side; without them the calling thread does.
    cores: Cores | None = None

    def run(self, batch: Tensor) -> Outputs:
        """As ``Network.run``."""
        try:
            outputs: Outputs = self.session.run(None, {self.session.get_inputs()[0].name: batch})
        except Exception as error:  # ONNX Runtime's exceptions share no base class below this one
            raise _translate(self.device, "running", error) from error
        return outputs

    def run_all(self, inputs: Sequence[Tensor]) -> list[Outputs]:
        """As ``Network.run_all``; one by one on each core, because batches of lines are slower on a CPU."""
        return self.cores.map(self.run, inputs) if self.cores else [self.run(batch) for batch in inputs]

    def metadata(self, key: str) -> str:
        """As ``Network.metadata``."""
        entries: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        return entries[key]


def load_network(
    name: str, device: Device, tuning: GpuTuning = DEFAULT_TUNING, cores: Cores | None = None
) -> LoadedNetwork:
    """Open the shipped model ``name`` (without ``.onnx``) on a device, without falling back to another.

    Raises:
        SettingsError: the model file is missing or does not match SHA256SUMS.
        DeviceError: the model cannot be placed on the GPU.
    """
    model = read_model(resources.files("service.reading.ocr.models"), f"{name}.onnx")
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cuda":
        require_cuda()
        use_driver_order()
        load_libraries()
        providers.insert(0, tuning.execution_provider())
    try:
        session = onnxruntime.InferenceSession(
            model, sess_options=_options(), providers=providers, enable_fallback=False
        )
    except Exception as error:
        raise _translate(device, "loading", error) from error
    # Without CUDA's libraries ONNX Runtime only warns and creates the session on the CPU.
    if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        missing = ", ".join(missing_libraries()) or "unknown"
        raise DeviceError(f"{describe_build()} placed the model on the CPU; missing: {missing}")
    return LoadedNetwork(session, device, cores=cores)


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    # Jobs run in parallel, one core each, which is faster than one job on all cores. Spinning wastes cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Memory patterns are planned and cached per input shape, and hardly two lines have the same shape.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options


def read_model(folder: Traversable, file_name: str) -> bytes:
    """Read a model file and verify it against the folder's SHA256SUMS.

    Raises:
        SettingsError: the file is missing, or its hash is not listed.
    """
    try:
        content = (folder / file_name).read_bytes()
    except FileNotFoundError as error:
        raise SettingsError(f"the OCR model {file_name} is missing: run `make models`") from error
    listed = (line.split() for line in (folder / "SHA256SUMS").read_text().splitlines())
    if [hashlib.sha256(content).hexdigest(), file_name] not in listed:
        raise SettingsError(f"the OCR model {file_name} does not match SHA256SUMS: run `make models`")
    return content


def _translate(device: Device, action: Literal["running", "loading"], error: Exception) -> EngineError:
    """Translate ONNX Runtime's error; its message names nodes and shapes, never a page's content."""
    if device == "cuda":
        return (
            failures.classify_run_error(error) if action == "running" else failures.classify_load_error(error)
        )
    return EngineError(
        f"{action} the model failed: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    )
