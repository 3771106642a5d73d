"""The results that were published, whenever Redis was there to pass them on."""

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

#: Seconds between tries to reach a Redis that is away: less than any worker takes to come back to it.
AGAIN = 0.02


@dataclass(frozen=True, slots=True)
class Published:
    """One result, as it came."""

    #: ``time.monotonic()``.
    at: float
    result: dict[str, Any]


class Listener:
    """Listens from a thread of its own, and again as soon as a restarted Redis answers.

    Args:
        url: of Redis itself, past the proxy.
        channel: the name of the channel.
    """

    def __init__(self, url: str, channel: str) -> None:
        self._client = redis.Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))
        self._channel = channel
        self._lock = threading.Lock()
        self._by_document: dict[str, list[Published]] = defaultdict(list)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Listen; returns when Redis has confirmed it."""
        ready = threading.Event()
        self._ready = ready
        self._thread.start()
        if not ready.wait(60):
            raise TimeoutError("no subscription after 60 s")

    def stop(self) -> None:
        """Listen no more."""
        self._stopped.set()
        self._thread.join()
        self._client.close()

    def of(self, document_id: str) -> list[Published]:
        """What was published of a document so far, oldest first."""
        with self._lock:
            return list(self._by_document[document_id])

    def count(self) -> int:
        """Of how many documents something was published."""
        with self._lock:
            return sum(bool(results) for results in self._by_document.values())

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with PubSub(self._client.connection_pool) as subscription:
                    subscription.subscribe(self._channel)
                    self._follow(subscription)
            except redis.RedisError:
                time.sleep(AGAIN)

    def _follow(self, subscription: PubSub) -> None:
        while not self._stopped.is_set():
            message = subscription.get_message(timeout=0.2)
            if message is None:
                continue
            if message["type"] == "subscribe":
                self._ready.set()
            elif message["type"] == "message":
                result = json.loads(message["data"])
                with self._lock:
                    self._by_document[result["documentId"]].append(Published(time.monotonic(), result))
