"""The bench of the queue's cost measures every operation."""

import pytest

from bench.redis_cost import measure


def test_every_operation_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.redis_cost.REPEATS", 2)
    monkeypatch.setenv("REDIS_URL", "")

    measured = measure(20)

    assert len(measured) == 10
    assert min(measured.values()) > 0
