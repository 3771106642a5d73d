"""Batching rules, tested by counting; time is a parameter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from service.reading.ocr.batch_queue import BatchQueue, Request

MAX_WAIT = 2.0


@dataclass(frozen=True)
class Batch:
    began: float
    requests: Sequence[Request]


def request(width: int = 64, thread_id: int = 0) -> Request:
    return Request("recogniser", np.zeros((1, 3, 48, width), np.float32), thread_id=thread_id)


def simulate(
    arrivals: Sequence[tuple[float, Request]], max_batch: int, cost: float
) -> tuple[list[Batch], dict[Request, float]]:
    """Run a device that takes ``cost`` for any batch; returns its batches and each request's wait."""
    queue = BatchQueue(MAX_WAIT, lambda key: max_batch)
    left = sorted(arrivals, key=lambda arrival: arrival[0])
    batches: list[Batch] = []
    now = 0.0
    while left or len(queue):
        while left and left[0][0] <= now:
            arrived, each = left.pop(0)
            queue.add([each], arrived)
        batch = queue.pop_due(now, flush=False)
        if batch:
            batches.append(Batch(now, batch))
            now += cost
            continue
        wait = queue.time_until_due(now)
        moments = [left[0][0]] if left else []
        now = min([*moments, *([] if wait is None else [now + wait])])
    came = {each: arrived for arrived, each in arrivals}
    return batches, {each: batch.began - came[each] for batch in batches for each in batch.requests}


@pytest.mark.parametrize(("max_batch", "batches"), [(1, 60), (4, 15), (16, 4), (64, 1)])
def test_fewer_batches_are_needed_the_larger_they_are(max_batch: int, batches: int) -> None:
    at_once = [(0.0, request()) for _ in range(60)]

    done, _ = simulate(at_once, max_batch, cost=10)

    assert len(done) == batches
    assert sum(len(batch.requests) for batch in done) == 60


@pytest.mark.parametrize("gap", [0.4, 1.0, 1.9, 2.1, 30.0])
def test_no_input_waits_longer_than_the_limit_and_the_running_batch(gap: float) -> None:
    cost = 3.0
    flow = [(place * gap, request()) for place in range(100)]

    _, waits = simulate(flow, max_batch=16, cost=cost)

    assert len(waits) == 100
    assert max(waits.values()) <= MAX_WAIT + cost


def test_a_rare_shape_is_not_starved_by_many_inputs_of_another() -> None:
    cost = 1.0
    flood = [(place * 0.05, request(width=320)) for place in range(1000)]
    rare = request(width=1664)

    _, waits = simulate([*flood, (10.0, rare)], max_batch=16, cost=cost)

    # Ahead of it go only those that were there before.
    before = sum(arrived <= 10.0 for arrived, _ in flood)
    assert waits[rare] <= MAX_WAIT + cost * (1 + before / 16)


def test_a_full_batch_is_due_at_once() -> None:
    queue = BatchQueue(MAX_WAIT, lambda key: 4)
    queue.add([request() for _ in range(5)], now=0.0)

    first = queue.pop_due(0.0, flush=False)
    second = queue.pop_due(0.0, flush=False)

    assert (len(first), second) == (4, [])
    assert queue.time_until_due(0.5) == 1.5


def test_every_group_is_due_on_flush() -> None:
    queue = BatchQueue(MAX_WAIT, lambda key: 4)
    queue.add([request()], now=0.0)

    batch = queue.pop_due(0.0, flush=True)

    assert len(batch) == 1
    assert queue.time_until_due(0.0) is None


def test_only_inputs_of_the_same_shape_share_a_batch() -> None:
    queue = BatchQueue(MAX_WAIT, lambda key: 16)
    queue.add([request(width) for width in (64, 80, 64, 80, 64)], now=0.0)

    batches = [queue.pop_due(MAX_WAIT, flush=False) for _ in range(3)]

    assert [[each.tensor.shape[-1] for each in batch] for batch in batches] == [[64] * 3, [80] * 2, []]


def test_a_thread_counts_once_however_many_requests_it_has() -> None:
    queue = BatchQueue(MAX_WAIT, lambda key: 16)

    queue.add([request(width, thread) for width in (64, 80) for thread in (1, 2, 3)], now=0.0)

    assert queue.waiting_threads() == 3
    assert len(queue) == 6
