"""Workers of several versions share one Redis while a new one is rolled out."""

import json

from service.monitoring.heartbeat import WorkerState


def test_a_heartbeat_of_an_older_worker_is_read_as_far_as_it_goes() -> None:
    state = WorkerState.read('{"worker": "one:1", "gpu_available": true, "active_jobs": 2}')

    assert (state.worker, state.gpu_available, state.active_jobs) == ("one:1", True, 2)
    assert (state.documents, state.pause_reasons, state.gpu_absence) == ([], [], "")


def test_what_a_newer_worker_says_in_addition_is_left_out() -> None:
    state = WorkerState.read(json.dumps({"worker": "one:1", "temperature": 70}))

    assert state == WorkerState(worker="one:1")
