"""GPU state as reported by NVIDIA's driver (NVML): usable or not, and faults since then."""

import importlib
import threading
from collections.abc import Callable
from typing import Any

from service.errors import DeviceError, DeviceLostError

#: Xid events caused by an application's own error (NVIDIA's device plug-in for Kubernetes ignores the same
#: ones): exception, page fault, stopped, cleaned up, video, timeout. Those of other processes do not concern
#: us, and our own come with a CUDA failure.
APPLICATION_XIDS = frozenset({13, 31, 43, 45, 68, 109})

MIB = 2**20


def find_gpu(nvml: Any, visible: str | None) -> Any:
    """Return NVML's handle of CUDA's first GPU.

    NVML itself lists all GPUs. ``visible`` is ``CUDA_VISIBLE_DEVICES``: comma-separated indexes, or UUIDs of
    GPUs or MIG instances; ``ocr.cuda.use_driver_order`` makes CUDA number GPUs as NVML does.

    Raises:
        NVMLError: there is no such GPU.
        DeviceError: ``visible`` hides every GPU.
    """
    first = (visible or "0").partition(",")[0].strip()
    if first.startswith(("GPU-", "MIG-")):
        return nvml.nvmlDeviceGetHandleByUUID(first)
    if not first.isdecimal():
        raise DeviceError(f"CUDA_VISIBLE_DEVICES={visible} hides every GPU")
    return nvml.nvmlDeviceGetHandleByIndex(int(first))


class DriverView:
    """Watches CUDA's first GPU for faults from the time of opening. Thread-safe.

    A check that the GPU or its driver does not support passes.

    Parameters:
        visible: ``CUDA_VISIBLE_DEVICES``

    Raises:
        DeviceError: NVML's Python package, the driver or the GPU is missing.
    """

    def __init__(self, visible: str | None = None) -> None:
        try:
            self._nvml: Any = importlib.import_module("pynvml")
        except ImportError:
            raise DeviceError(
                "this installation is without GPU support: nvidia-ml-py is missing, install extra `gpu`"
            ) from None
        self._lock = threading.Lock()
        self._fault_found = ""
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
        self._events = self._query_optional(self._register_events)
        self._ecc_errors = self._query_optional(self._count_ecc_errors)

    def describe(self) -> str:
        """Return one line with the names of GPU and driver. May raise ``DeviceError``."""
        name = self._query(lambda: self._nvml.nvmlDeviceGetName(self._device))
        driver = self._query(self._nvml.nvmlSystemGetDriverVersion)
        return f"{name}, driver {driver}"

    def check_driver(self, cuda_version: str) -> None:
        """Check that the driver supports the CUDA version that ONNX Runtime is built for, such as ``12.8``.

        Raises:
            DeviceError: the driver is too old.
        """
        newest = self._query(self._nvml.nvmlSystemGetCudaDriverVersion)
        if newest // 1000 < int(cuda_version.partition(".")[0] or 0):
            driver = self._query(self._nvml.nvmlSystemGetDriverVersion)
            raise DeviceError(
                f"the NVIDIA driver {driver} knows CUDA up to {newest // 1000}.{newest % 1000 // 10}, "
                f"but this ONNX Runtime is built for {cuda_version}: install a newer driver"
            )

    def check_memory(self, needed: int) -> None:
        """Check that ``needed`` bytes of GPU memory are free.

        Raises:
            DeviceError: less is free.
        """
        memory = self._query(lambda: self._nvml.nvmlDeviceGetMemoryInfo(self._device))
        if memory.free < needed:
            raise DeviceError(
                f"only {memory.free // MIB} of {memory.total // MIB} MiB of GPU memory are free, "
                f"{needed // MIB} are needed: other processes use the rest"
            )

    def check_repairs(self) -> None:
        """Check that no memory repair (row remapping, page retirement) is pending.

        Raises:
            DeviceError: a repair is pending; it needs a reset of the GPU.
        """
        rows = self._query_optional(lambda: self._nvml.nvmlDeviceGetRemappedRows(self._device))
        pages = self._query_optional(lambda: self._nvml.nvmlDeviceGetRetiredPagesPendingStatus(self._device))
        if pages or (rows and any(rows[2:])):
            raise DeviceError("the GPU has faulty memory (ECC) and must be reset or replaced")

    def check_healthy(self) -> None:
        """Check that no fault was reported since this view was opened.

        Raises:
            DeviceLostError: the driver reported a fault (Xid) or an uncorrectable memory error (ECC).
        """
        with self._lock:
            self._fault_found = self._fault_found or ("" if self._closed else self._find_fault())
        if self._fault_found:
            raise DeviceLostError(self._fault_found)

    def close(self) -> None:
        """Release NVML. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                if self._events is not None:
                    self._query_optional(lambda: self._nvml.nvmlEventSetFree(self._events))
                self._query_optional(self._nvml.nvmlShutdown)

    def _find_fault(self) -> str:
        """Return one sentence about the fault; empty if there is none."""
        try:
            xids = [xid for xid in self._new_xids() if xid not in APPLICATION_XIDS]
            lost = self._ecc_errors is not None and self._count_ecc_errors() > self._ecc_errors
        except self._nvml.NVMLError as error:
            return f"the NVIDIA driver stopped answering: {error}"
        if xids:
            return f"the NVIDIA driver reported a fault of the GPU (Xid {xids[0]})"
        return "the GPU's memory has an uncorrectable ECC error" if lost else ""

    def _new_xids(self) -> list[int]:
        """Return the Xid events since the last call."""
        xids: list[int] = []
        while self._events is not None:
            try:
                xids.append(int(self._nvml.nvmlEventSetWait_v2(self._events, 0).eventData))
            except self._nvml.NVMLError_Timeout:
                break
        return xids

    def _register_events(self) -> Any:
        events = self._nvml.nvmlEventSetCreate()
        self._nvml.nvmlDeviceRegisterEvents(self._device, self._nvml.nvmlEventTypeXidCriticalError, events)
        return events

    def _count_ecc_errors(self) -> int:
        """Return the number of uncorrectable errors since the driver was loaded."""
        nvml = self._nvml
        counted: int = nvml.nvmlDeviceGetTotalEccErrors(
            self._device, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
        )
        return counted

    def _query_optional(self, call: Callable[[], Any]) -> Any:
        """Return the result of an NVML call, or None where it is not supported."""
        try:
            return call()
        except self._nvml.NVMLError:
            return None

    def _query(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except self._nvml.NVMLError as error:
            raise DeviceError(f"the NVIDIA driver does not answer: {error}") from None
