"""The bench of the pipeline around the reading, in a short form, and its simulation of a day."""

import numpy as np
import pytest

from bench.scale import day
from bench.scale.__main__ import as_markdown, of_idle_workers
from bench.scale.pipeline import Measured, open_pipeline

#: What a document may cost: more than its own 3, 2 and 3, because a slow machine adds work by the clock.
MAX_COMMANDS, MAX_TRANSACTIONS, MAX_ROUND_TRIPS = 6, 3, 4


@pytest.fixture(scope="module")
def measured() -> list[Measured]:
    """One worker, then two, and those two idle."""
    with open_pipeline() as pipeline:
        found = []
        for workers in (1, 2):
            pipeline.scale_to(workers)
            found.append(pipeline.measure(40, seconds=2.0))
            assert pipeline.unfinished() == 0
        return [*found, pipeline.measure_idle(1.0)]


def test_a_document_costs_no_more_than_promised(measured: list[Measured]) -> None:
    for each in measured[:2]:
        assert each.counts.documents > 0
        assert 1 < each.per_document(each.counts.commands_sent) <= MAX_COMMANDS
        assert 1 < each.per_document(each.counts.transactions) <= MAX_TRANSACTIONS
        assert 2 < each.per_document(each.counts.round_trips) <= MAX_ROUND_TRIPS


def test_every_count_is_taken(measured: list[Measured]) -> None:
    counts = measured[1].counts
    assert counts.commands_run > counts.commands_sent
    assert min(counts.bytes_in, counts.bytes_out, counts.worker_cpu, counts.postgres_cpu) > 0
    assert measured[1].connections > 0


def test_the_table_has_a_row_for_each_measurement(measured: list[Measured]) -> None:
    lines = as_markdown(measured[:2]).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 1", "| 2"]
    assert "Of 2 idle workers" in of_idle_workers(measured[2])


def test_a_day_has_the_fewest_workers_that_keep_the_aim() -> None:
    found = day.needed(200_000, rate=1.0)
    assert found.percentile_95 <= day.AIM
    fewer = day.simulate(day._arrivals(200_000), found.workers - 1, rate=1.0)
    assert fewer.percentile_95 > day.AIM
    assert found.peak == pytest.approx(200_000 / 86_400 * 2.26, rel=0.05)


def test_documents_wait_for_those_before_them() -> None:
    arrivals = np.zeros(24 * 36_000)
    arrivals[0] = 1_000

    found = day.simulate(arrivals, workers=10, rate=1.0)

    assert found.median == pytest.approx(100, abs=1)
    assert found.longest_queue == pytest.approx(1_000, abs=10)
