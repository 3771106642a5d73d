"""What a whole idle worker sends to Redis, which hosted plans bill by the command."""

from collections.abc import Callable

import pytest

from devstack.backend import FilotBackend
from service.runtime.app import App

#: s by Redis' clock for which the commands are counted: several of every interval that runs meanwhile.
WATCHED = 15.0

#: Commands a second that an idle worker may send.
MOST = 2.0


@pytest.mark.parametrize("claiming", ["false", "true"])
def test_an_idle_worker_sends_at_most_two_commands_a_second(
    start: Callable[..., App], backend: FilotBackend, claiming: str
) -> None:
    # Clients of tests that ran before in this process, and of this test itself.
    others = {each["addr"] for each in backend.redis.client_list()}
    start(OCR_GPU_POLL_INTERVAL="1000", OCR_GPU_CLAIM_CPU_QUEUE=claiming)
    times: list[float] = []

    with backend.redis.monitor() as monitor:
        waits = 0
        while not times or times[-1] - times[0] < WATCHED:
            command = monitor.next_command()
            address = f"{command['client_address']}:{command['client_port']}"
            # What a script does is no command of its own; the first waits let every script be loaded.
            if command["client_type"] != "lua" and address not in others:
                waits += command["command"].startswith("BLMOVE ")
                if waits > 2:
                    times.append(command["time"])

    assert waits > 2 + WATCHED / 2, "it did not wait for documents"
    assert len(times) <= MOST * (times[-1] - times[0]) + 1
