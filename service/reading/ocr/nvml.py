"""The GPU as NVIDIA's driver sees it: whether it can be used, and whether it broke since."""

import importlib
import threading
from collections.abc import Callable
from typing import Any

from service.errors import DeviceError, DeviceLostError

#: Xid events that an application's own mistake causes (NVIDIA's device plug-in for Kubernetes ignores the
#: same): exception, page fault, stopped, cleaned up, video, time-out. One of another process is no matter of
#: ours, and our own comes with a failure of CUDA.
APPLICATION_XIDS = frozenset({13, 31, 43, 45, 68, 109})

MIB = 2**20


def find_gpu(nvml: Any, visible: str | None) -> Any:
    """Return NVML's handle of the GPU that CUDA calls its first.

    NVML itself shows all of them. ``visible`` is ``CUDA_VISIBLE_DEVICES``: numbers, or UUIDs of GPUs or of
    their parts (MIG), with commas between; ``ocr.cuda.number_as_driver`` lets CUDA count as NVML does.

    Raises:
        NVMLError: there is no such GPU.
        DeviceError: ``visible`` names none.
    """
    first = (visible or "0").partition(",")[0].strip()
    if first.startswith(("GPU-", "MIG-")):
        return nvml.nvmlDeviceGetHandleByUUID(first)
    if not first.isdecimal():
        raise DeviceError(f"CUDA_VISIBLE_DEVICES={visible} hides every GPU")
    return nvml.nvmlDeviceGetHandleByIndex(int(first))


class DriverView:
    """The GPU that CUDA uses, watched from the moment of opening.

    Safe to use from any thread. What a GPU or its driver does not support is not judged.

    Parameters:
        visible: ``CUDA_VISIBLE_DEVICES``

    Raises:
        DeviceError: there is no library, no driver or no GPU.
    """

    def __init__(self, visible: str | None = None) -> None:
        try:
            self._nvml: Any = importlib.import_module("pynvml")
        except ImportError:
            raise DeviceError(
                "this installation is without GPU support: nvidia-ml-py is missing, install extra `gpu`"
            ) from None
        self._asking = threading.Lock()
        self._broken = ""
        self._closed = False
        try:
            self._nvml.nvmlInit()
            try:
                self._device = find_gpu(self._nvml, visible)
            except BaseException:
                self._nvml.nvmlShutdown()
                raise
        except self._nvml.NVMLError as error:
            raise DeviceError(f"no usable NVIDIA driver or GPU: {error}") from None
        self._events = self._supported(self._listen)
        self._ecc_errors = self._supported(self._count_ecc_errors)

    def describe(self) -> str:
        """Return one line that names the GPU and its driver. May raise ``DeviceError``."""
        name = self._asked(lambda: self._nvml.nvmlDeviceGetName(self._device))
        driver = self._asked(self._nvml.nvmlSystemGetDriverVersion)
        return f"{name}, driver {driver}"

    def check_driver(self, cuda_version: str) -> None:
        """Check that the driver knows the CUDA, such as ``12.8``, that ONNX Runtime is built for.

        Raises:
            DeviceError: it is too old.
        """
        newest = self._asked(self._nvml.nvmlSystemGetCudaDriverVersion)
        if newest // 1000 < int(cuda_version.partition(".")[0] or 0):
            driver = self._asked(self._nvml.nvmlSystemGetDriverVersion)
            raise DeviceError(
                f"the NVIDIA driver {driver} knows CUDA up to {newest // 1000}.{newest % 1000 // 10}, "
                f"but this ONNX Runtime is built for {cuda_version}: install a newer driver"
            )

    def check_memory(self, needed: int) -> None:
        """Check that so many bytes are free.

        Raises:
            DeviceError: they are not.
        """
        memory = self._asked(lambda: self._nvml.nvmlDeviceGetMemoryInfo(self._device))
        if memory.free < needed:
            raise DeviceError(
                f"only {memory.free // MIB} of {memory.total // MIB} MiB of GPU memory are free, "
                f"{needed // MIB} are needed: other processes hold the rest"
            )

    def check_repairs(self) -> None:
        """Check that no memory waits for a reset to be replaced.

        Raises:
            DeviceError: some does.
        """
        rows = self._supported(lambda: self._nvml.nvmlDeviceGetRemappedRows(self._device))
        pages = self._supported(lambda: self._nvml.nvmlDeviceGetRetiredPagesPendingStatus(self._device))
        if pages or (rows and any(rows[2:])):
            raise DeviceError("the GPU has broken memory (ECC) and must be reset or replaced")

    def check_sound(self) -> None:
        """Check that nothing broke since the opening.

        Raises:
            DeviceLostError: the driver reported a fault (Xid), or memory lost its content (ECC).
        """
        with self._asking:
            self._broken = self._broken or ("" if self._closed else self._fault())
        if self._broken:
            raise DeviceLostError(self._broken)

    def close(self) -> None:
        """Ask no more; safe to repeat."""
        with self._asking:
            if not self._closed:
                self._closed = True
                if self._events is not None:
                    self._supported(lambda: self._nvml.nvmlEventSetFree(self._events))
                self._supported(self._nvml.nvmlShutdown)

    def _fault(self) -> str:
        """Return in a sentence what broke; empty when nothing did."""
        try:
            xids = [xid for xid in self._new_xids() if xid not in APPLICATION_XIDS]
            lost = self._ecc_errors is not None and self._count_ecc_errors() > self._ecc_errors
        except self._nvml.NVMLError as error:
            return f"the NVIDIA driver does not answer any more: {error}"
        if xids:
            return f"the NVIDIA driver reported a fault of the GPU (Xid {xids[0]})"
        return "the GPU's memory lost its content (uncorrectable ECC error)" if lost else ""

    def _new_xids(self) -> list[int]:
        """Return what was reported since the last look."""
        xids: list[int] = []
        while self._events is not None:
            try:
                xids.append(int(self._nvml.nvmlEventSetWait_v2(self._events, 0).eventData))
            except self._nvml.NVMLError_Timeout:
                break
        return xids

    def _listen(self) -> Any:
        events = self._nvml.nvmlEventSetCreate()
        self._nvml.nvmlDeviceRegisterEvents(self._device, self._nvml.nvmlEventTypeXidCriticalError, events)
        return events

    def _count_ecc_errors(self) -> int:
        """Return how many since the driver was loaded."""
        nvml = self._nvml
        counted: int = nvml.nvmlDeviceGetTotalEccErrors(
            self._device, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
        )
        return counted

    def _supported(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self._nvml.NVMLError:
            return None

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self._nvml.NVMLError as error:
            raise DeviceError(f"the NVIDIA driver does not answer: {error}") from None
