"""The law of batches, told by counting: time is a number here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from service.reading.ocr.batch_queue import BatchQueue, Request

TIMEOUT = 2.0


@dataclass(frozen=True)
class Batch:
    began: float
    requests: Sequence[Request]


def request(width: int = 64, reader: int = 0) -> Request:
    return Request("recogniser", np.zeros((1, 3, 48, width), np.float32), reader=reader)


def simulate(
    arrivals: Sequence[tuple[float, Request]], most: int, cost: float
) -> tuple[list[Batch], dict[Request, float]]:
    """Run a device that takes ``cost`` for any batch; returns its batches and each request's wait."""
    waiting = BatchQueue(TIMEOUT, lambda group: most)
    left = sorted(arrivals, key=lambda arrival: arrival[0])
    batches: list[Batch] = []
    now = 0.0
    while left or len(waiting):
        while left and left[0][0] <= now:
            arrived, each = left.pop(0)
            waiting.add([each], arrived)
        batch = waiting.due(now, nobody_else=False)
        if batch:
            batches.append(Batch(now, batch))
            now += cost
            continue
        wait = waiting.until_due(now)
        moments = [left[0][0]] if left else []
        now = min([*moments, *([] if wait is None else [now + wait])])
    came = {each: arrived for arrived, each in arrivals}
    return batches, {each: batch.began - came[each] for batch in batches for each in batch.requests}


@pytest.mark.parametrize(("most", "batches"), [(1, 60), (4, 15), (16, 4), (64, 1)])
def test_a_device_with_a_fixed_time_a_batch_gets_through_as_much_more_as_batches_are_larger(
    most: int, batches: int
) -> None:
    at_once = [(0.0, request()) for _ in range(60)]

    done, _ = simulate(at_once, most, cost=10)

    assert len(done) == batches
    assert sum(len(batch.requests) for batch in done) == 60


@pytest.mark.parametrize("gap", [0.4, 1.0, 1.9, 2.1, 30.0])
def test_no_input_waits_longer_than_the_limit_and_the_batch_that_runs(gap: float) -> None:
    cost = 3.0
    flow = [(place * gap, request()) for place in range(100)]

    _, waits = simulate(flow, most=16, cost=cost)

    assert len(waits) == 100
    assert max(waits.values()) <= TIMEOUT + cost


def test_a_rare_shape_is_not_kept_waiting_by_a_flood_of_another() -> None:
    cost = 1.0
    flood = [(place * 0.05, request(width=320)) for place in range(1000)]
    rare = request(width=1664)

    _, waits = simulate([*flood, (10.0, rare)], most=16, cost=cost)

    # Ahead of it go only those that were there before.
    before = sum(arrived <= 10.0 for arrived, _ in flood)
    assert waits[rare] <= TIMEOUT + cost * (1 + before / 16)


def test_a_full_batch_goes_at_once() -> None:
    waiting = BatchQueue(TIMEOUT, lambda group: 4)
    waiting.add([request() for _ in range(5)], now=0.0)

    first = waiting.due(0.0, nobody_else=False)
    second = waiting.due(0.0, nobody_else=False)

    assert (len(first), second) == (4, [])
    assert waiting.until_due(0.5) == 1.5


def test_nothing_waits_when_nobody_else_can_come() -> None:
    waiting = BatchQueue(TIMEOUT, lambda group: 4)
    waiting.add([request()], now=0.0)

    batch = waiting.due(0.0, nobody_else=True)

    assert len(batch) == 1
    assert waiting.until_due(0.0) is None


def test_only_inputs_of_one_shape_are_computed_together() -> None:
    waiting = BatchQueue(TIMEOUT, lambda group: 16)
    waiting.add([request(width) for width in (64, 80, 64, 80, 64)], now=0.0)

    batches = [waiting.due(TIMEOUT, nobody_else=False) for _ in range(3)]

    assert [[each.tensor.shape[-1] for each in batch] for batch in batches] == [[64] * 3, [80] * 2, []]


def test_readers_are_counted_once_however_much_they_wait_for() -> None:
    waiting = BatchQueue(TIMEOUT, lambda group: 16)

    waiting.add([request(width, reader) for width in (64, 80) for reader in (1, 2, 3)], now=0.0)

    assert waiting.readers() == 3
    assert len(waiting) == 6
