"""Measures how long a pushed id waits until an idle worker has fetched it.

MONITOR makes Redis tell every command it runs, those of Lua scripts included, with the server's time in
microseconds. The client notes the time before it sends RPUSH; the take's script adds the id to the processing
set, and its time is noted by the server. Both run on one machine, so both clocks are the same one, and
what lies between holds the client's way to the server, but not MONITOR's way back.
"""

import random
import time
import uuid
from typing import Any

from devstack.backend import PROCESSING, QUEUE, FilotBackend

#: s to wait for one push to be taken and settled.
TIMEOUT = 30.0

#: s between a settled push and the next, drawn anew each time: shorter than the worker's blocking wait, with
#: which the pushes must not keep step, and long enough for it to be idle again.
PAUSES = (0.05, 0.25)


def take_latencies(backend: FilotBackend, pushes: int, seed: int) -> list[float]:
    """Milliseconds from push to take, one for each push; the worker has to be idle.

    The ids are none of a document, so each job ends at once, as a failure.
    """
    rng = random.Random(seed)
    latencies = []
    # redis-py has no annotations here.
    open_monitor: Any = backend.redis.monitor
    with backend.listen() as channel, open_monitor() as monitor:
        for number in range(1, pushes + 1):
            time.sleep(rng.uniform(*PAUSES))
            document_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
            pushed = time.time()
            backend.redis.rpush(QUEUE, document_id)
            channel.wait_for(number, TIMEOUT)
            latencies.append(1000 * (_taken(monitor, document_id) - pushed))
    return latencies


def _taken(monitor: Any, document_id: str) -> float:
    """Epoch seconds at which the id, whose result is out, entered the processing set."""
    while True:
        command = monitor.next_command()
        if command["command"] == f"SADD {PROCESSING} {document_id}":
            return float(command["time"])
