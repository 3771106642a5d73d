"""Batches shared by threads, and failures of the device."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from service.errors import DeviceError, DeviceLostError, DeviceRefusalError
from service.reading.ocr.batcher import Batcher
from service.reading.ocr.failures import OutOfMemoryError
from service.reading.ocr.sessions import LoadedNetwork, Outputs, Tensor
from service.reading.ocr.shapes import EXACT, Sizes

FOREVER = 1e9

#: s after which a test that has failed keeps no thread waiting.
TIMEOUT = 60

#: An input with this in its first pixel cannot be computed.
BAD = -1.0


class Device:
    """A network whose answer is each input's first pixel, and that may fail."""

    sizes: Sizes = EXACT

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.error: BaseException | None = None
        #: Cleared to keep a batch running; set while one runs.
        self.go, self.busy = threading.Event(), threading.Event()
        self.go.set()

    def run(self, batch: Tensor) -> Outputs:
        self.threads.add(threading.current_thread().name)
        self.busy.set()
        self.go.wait(TIMEOUT)
        if self.error is not None:
            raise self.error
        if len(batch) > self.room:
            raise OutOfMemoryError("the GPU has too little memory")
        firsts = batch[:, 0, 0, 0]
        if (firsts == BAD).any():
            raise DeviceRefusalError("running the model failed")
        self.batches.append(len(batch))
        return [firsts.copy(), np.arange(len(batch))]

    def run_all(self, inputs: object) -> list[Outputs]:
        raise NotImplementedError

    def metadata(self, key: str) -> str:
        return f"the device's {key}"


def inputs(*firsts: float, width: int = 64) -> list[Tensor]:
    made = [np.zeros((1, 3, 48, width), np.float32) for _ in firsts]
    for tensor, first in zip(made, firsts, strict=True):
        tensor[0, 0, 0, 0] = first
    return made


def answers(outputs: list[Outputs]) -> list[float]:
    return [float(first[0]) for first, _ in outputs]


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture
def opened() -> Iterator[Callable[..., Batcher]]:
    """A function that opens a batcher, closed at the end."""
    with ExitStack() as stack:

        def open_batcher(device: Device, max_batch: int = 16, max_wait: float = FOREVER) -> Batcher:
            batcher = Batcher(lambda: {"recogniser": device}, {}, max_batch, max_wait)
            stack.callback(batcher.close, DeviceError("the test is over"))
            return batcher

        yield open_batcher


def read_together(
    batcher: Batcher, threads: ThreadPoolExecutor, each: list[list[Tensor]]
) -> "list[Future[list[Outputs]]]":
    """Let as many readers as there are lists hand theirs in; none before all of them read."""
    all_read = threading.Barrier(len(each), timeout=TIMEOUT)

    def read(tensors: list[Tensor]) -> list[Outputs]:
        with batcher.active():
            all_read.wait()
            return batcher.run("recogniser", tensors)

    return [threads.submit(read, tensors) for tensors in each]


@pytest.mark.parametrize(("max_batch", "batches"), [(1, 12), (4, 3), (16, 1)])
def test_inputs_of_all_threads_share_batches_and_each_thread_gets_its_own_outputs(
    opened: Callable[..., Batcher], device: Device, threads: ThreadPoolExecutor, max_batch: int, batches: int
) -> None:
    batcher = opened(device, max_batch)

    read = read_together(
        batcher, threads, [inputs(3 * who + 1, 3 * who + 2, 3 * who + 3) for who in range(4)]
    )

    assert [answers(each.result()) for each in read] == [
        [3 * who + 1, 3 * who + 2, 3 * who + 3] for who in range(4)
    ]
    assert len(device.batches) == batches
    assert device.threads == {"gpu"}


def test_a_single_active_thread_does_not_wait(opened: Callable[..., Batcher], device: Device) -> None:
    batcher = opened(device, max_wait=FOREVER)

    with batcher.active():
        read = batcher.run("recogniser", inputs(1, 2))

    assert answers(read) == [1, 2]


def test_an_input_is_computed_alone_after_its_longest_wait(device: Device) -> None:
    now = [0.0]
    batcher = Batcher(lambda: {"recogniser": device}, {}, 16, 5.0, clock=lambda: now[0])
    handed_in: Future[list[Outputs]] = Future()

    def read() -> None:
        with batcher.active():
            handed_in.set_result(batcher.run("recogniser", inputs(1)))

    with batcher.active():
        thread = threading.Thread(target=read)
        thread.start()
        while not batcher.queued:
            threading.Event().wait(0.001)
        now[0] = 5.0
        with batcher.active():
            """Any change wakes the GPU thread, which then reads the clock."""
        assert answers(handed_in.result()) == [1]
    thread.join()
    batcher.close(DeviceError("the test is over"))


def test_batches_are_padded_to_known_sizes(opened: Callable[..., Batcher], device: Device) -> None:
    batcher = opened(device, max_batch=16)

    read = [batcher.run("recogniser", inputs(*range(count))) for count in (1, 2, 5, 16)]

    assert [len(each) for each in read] == [1, 2, 5, 16]
    assert device.batches == [1, 4, 16, 16]
    assert dict(batcher.stats.inputs) == {"recogniser": 24}


def test_every_shape_is_warmed_up_in_every_batch_size(device: Device) -> None:
    batcher = Batcher(lambda: {"recogniser": device}, {"recogniser": [(3, 48, 64), (3, 48, 80)]}, 16, 0.0)

    assert device.batches == [1, 4, 16] * 2
    batcher.close(DeviceError("the test is over"))


def test_a_batch_that_does_not_fit_reduces_the_batch_size_for_good(
    opened: Callable[..., Batcher], threads: ThreadPoolExecutor
) -> None:
    device = Device(room=4)
    batcher = opened(device, max_batch=16)

    first = answers(batcher.run("recogniser", inputs(*range(10))))
    second = answers(batcher.run("recogniser", inputs(*range(10))))

    assert first == second == list(range(10))
    assert max(device.batches) == 4
    assert batcher.stats.too_large == 1


def test_an_input_that_does_not_fit_alone_is_refused_and_the_gpu_stays_in_use(
    opened: Callable[..., Batcher],
) -> None:
    device = Device(room=0)
    batcher = opened(device)

    with pytest.raises(OutOfMemoryError, match="too little memory"):
        batcher.run("recogniser", inputs(1))
    device.room = 1

    assert answers(batcher.run("recogniser", inputs(1, 2, 3))) == [1, 2, 3]


def test_a_bad_input_fails_only_its_own_job(
    opened: Callable[..., Batcher], device: Device, threads: ThreadPoolExecutor
) -> None:
    batcher = opened(device)

    good, bad, other = read_together(batcher, threads, [inputs(1, 2), inputs(3, BAD), inputs(4)])

    assert (answers(good.result()), answers(other.result())) == ([1, 2], [4])
    with pytest.raises(DeviceRefusalError):
        bad.result()
    assert answers(batcher.run("recogniser", inputs(5))) == [5]


def test_after_a_lost_context_every_request_fails(
    opened: Callable[..., Batcher], device: Device, threads: ThreadPoolExecutor
) -> None:
    batcher = opened(device, max_batch=4)
    device.error = DeviceLostError("CUDA failure 700")

    read = read_together(batcher, threads, [inputs(1, 2, 3), inputs(4, 5, 6), inputs(7, 8, 9)])

    for each in read:
        with pytest.raises(DeviceLostError, match="CUDA failure 700"):
            each.result()
    device.error = None
    with pytest.raises(DeviceLostError, match="CUDA failure 700"):
        batcher.run("recogniser", inputs(1))
    assert device.batches == []


def test_outputs_computed_before_the_context_was_lost_are_not_trusted(
    opened: Callable[..., Batcher], device: Device
) -> None:
    batcher = opened(device)
    batcher.run("recogniser", inputs(1))
    batcher.check_healthy()
    device.error = DeviceLostError("CUDA failure 700")
    with pytest.raises(DeviceLostError):
        batcher.run("recogniser", inputs(2))

    with pytest.raises(DeviceLostError, match="CUDA failure 700"):
        batcher.check_healthy()


def test_outputs_computed_before_closing_are_trusted(opened: Callable[..., Batcher], device: Device) -> None:
    batcher = opened(device)

    batcher.close(DeviceError("the worker is stopping"))

    batcher.check_healthy()
    with pytest.raises(DeviceError, match="the worker is stopping"):
        batcher.run("recogniser", inputs(2))


def test_a_thread_prepares_inputs_while_the_device_computes_for_another(
    opened: Callable[..., Batcher], device: Device, threads: ThreadPoolExecutor
) -> None:
    batcher = opened(device, max_batch=1)
    device.go.clear()
    first = threads.submit(batcher.run, "recogniser", inputs(1))
    assert device.busy.wait(TIMEOUT)

    # The device is held until the second reader has prepared, and handed in, what it will compute next.
    second = threads.submit(batcher.run, "recogniser", inputs(2))
    while not batcher.queued:
        threading.Event().wait(0.001)
    assert not first.done()
    device.go.set()

    assert (answers(first.result()), answers(second.result())) == ([1], [2])


def test_closing_fails_waiting_requests_and_finishes_the_running_batch(
    opened: Callable[..., Batcher], device: Device, threads: ThreadPoolExecutor
) -> None:
    batcher = opened(device)
    device.go.clear()
    running = threads.submit(batcher.run, "recogniser", inputs(1))
    assert device.busy.wait(TIMEOUT)
    waiting = [threads.submit(batcher.run, "recogniser", inputs(first)) for first in (2, 3)]
    while batcher.queued < 2:
        threading.Event().wait(0.001)

    batcher.close(DeviceError("the worker is stopping"))
    device.go.set()

    assert answers(running.result()) == [1]
    for each in waiting:
        with pytest.raises(DeviceError, match="the worker is stopping"):
            each.result()
    with pytest.raises(DeviceError, match="the worker is stopping"):
        batcher.run("recogniser", inputs(4))


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(), ZeroDivisionError()])
def test_requests_fail_when_the_gpu_thread_ends(
    opened: Callable[..., Batcher], device: Device, threads: ThreadPoolExecutor, error: BaseException
) -> None:
    batcher = opened(device, max_batch=1)
    device.error = error

    read = read_together(batcher, threads, [inputs(1), inputs(2), inputs(3)])

    for each in read:
        with pytest.raises(DeviceError, match=f"the GPU's thread ended: {type(error).__name__}"):
            each.result()
    with pytest.raises(DeviceError, match="the GPU's thread ended"):
        batcher.run("recogniser", inputs(4))


def test_an_error_while_opening_is_raised_to_the_caller() -> None:
    def fails() -> dict[str, LoadedNetwork]:
        raise DeviceError("no GPU")

    with pytest.raises(DeviceError, match="no GPU"):
        Batcher(fails, {}, 16, 0.0)


def test_a_batched_network_has_the_interface_of_a_network(
    opened: Callable[..., Batcher], device: Device
) -> None:
    network = opened(device).network("recogniser")

    together = network.run(np.concatenate(inputs(1, 2, 3)))
    apart = network.run_all([*inputs(4), *inputs(5, width=80)])

    assert together[0].tolist() == [1, 2, 3]
    assert answers(apart) == [4, 5]
    assert network.metadata("character") == "the device's character"
