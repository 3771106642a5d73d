"""The rehearsal of the worker's scripts, on a real server."""

import pytest

from devstack.backend import QUEUE, FilotBackend
from service.monitoring.doctor.redis_rehearsal import Rehearsal, check_scripts
from service.queue.document_queue import connect_redis
from service.settings import Settings
from tests.support.ids import CARD


def test_every_script_is_run_and_nothing_is_left(settings: Settings, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, CARD)
    claiming = settings.model_copy(update={"claim_cpu_queue": True})

    results = [result for each in (settings, claiming) for result in check_scripts(connect_redis(each), each)]

    assert [result.level for result in results] == ["green", "green"]
    assert backend.redis.keys("*") == [QUEUE]
    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]


def test_a_script_that_does_something_else_is_red(
    settings: Settings, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rehearsal, "return_due", lambda *_, **__: (0, 0))

    (result,) = check_scripts(connect_redis(settings), settings)

    assert result.level == "red"
    assert "return_due" in result.says
    assert backend.redis.keys("*") == []
