"""A rehearsal of the worker's scripts in Redis, on keys of its own that are removed again."""

import json
import uuid
from collections.abc import Iterator

import redis

from service.monitoring.backlog import MARKS_EXPIRY
from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.heartbeat import EXPIRY, FORGOTTEN, WorkerState, heartbeat_script
from service.monitoring.status import MAX_JOBS, MAX_SEARCH, TrafficReader
from service.queue.document_queue import DocumentQueue, Settlement
from service.settings import Settings
from service.store.server_problems import redis_problem

#: s after which the keys expire that a rehearsal could not remove.
LEFTOVERS_EXPIRY = 60

#: s to wait for a document that is there.
WAIT = 0.1


class _UnexpectedError(Exception):
    """A script ran, and did something else than it should."""


class Rehearsal(DocumentQueue):
    """A queue whose keys all begin with a prefix of this rehearsal.

    Parameters:
        client: a connection that answers in text
        settings: the worker's
    """

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self.prefix = f"filot:ocr:gpu:doctor:{uuid.uuid4()}:"
        renamed = {
            name: self.prefix + getattr(settings, name)
            for name in ("queue_key", "processing_key", "attempts_key")
        }
        super().__init__(client, settings.model_copy(update=renamed))
        self._keys = [self._renamed(key) for key in self._keys]
        self._sources = [self._renamed(key) for key in self._sources]
        self._document_id = str(uuid.uuid4())

    def _renamed(self, key: str) -> str:
        return key if key.startswith(self.prefix) else self.prefix + key

    def rehearse(self) -> int:
        """Run every script once or more; returns how many there are.

        Raises:
            redis.RedisError: one failed.
            _UnexpectedError: one did something else.
        """
        document_id = self._document_id
        try:
            if not self.enqueue(document_id) or not self.wait(WAIT):
                raise _UnexpectedError("enqueue")
            job = self.fetch("first")
            self._expire()
            if job is None or self.renew(["first"]) or not self.finish("first", Settlement("retry")):
                raise _UnexpectedError("fetch")
            if self.return_due(at_once=True)[1] != 1 or self.fetch("second") is None:
                raise _UnexpectedError("return_due")
            self.finish("second", Settlement("done"))
            self._run("elect", self.prefix + "elected", "doctor", 1000)
            self.enqueue(document_id)
            self.fetch("third")
            self._upkeep()
            if not self.forget(document_id):
                raise _UnexpectedError("forget")
            self.erase(document_id)
            self._monitoring()
        finally:
            self.client.delete(*self._used())
        return len(self._scripts) + 2

    def _upkeep(self) -> None:
        for script, arguments in (
            ("reap", (MARKS_EXPIRY,)),
            ("leftovers", (self.settings.attempts_key, 1)),
            ("stalled", ("0",)),
        ):
            for _ in self._scan(script, *arguments):
                pass
        self._run("remove_leftovers", 1, self._document_id)

    def _monitoring(self) -> None:
        heartbeat_script(self.client)(
            keys=[self.prefix + name for name in ("worker", "seen", "paused")],
            args=[json.dumps(WorkerState().written()), EXPIRY, "doctor", FORGOTTEN],
        )
        reader = TrafficReader(self.client, self.settings)
        reader.script(
            keys=[self._renamed(key) for key in reader.keys],
            args=[MARKS_EXPIRY, MAX_JOBS, self.prefix, MAX_SEARCH],
        )

    def _used(self) -> list[str]:
        reader = TrafficReader(self.client, self.settings)
        own = [self.prefix + name for name in ("worker", "seen", "elected")]
        prefixed = [key + self._document_id for key in self._keys if key.endswith(":")]
        return [*self._keys, *own, *prefixed, *(self._renamed(key) for key in reader.keys)]

    def _expire(self) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for key in self._used():
                pipeline.expire(key, LEFTOVERS_EXPIRY)
            pipeline.execute()


def check_scripts(client: redis.Redis, settings: Settings) -> Iterator[CheckResult]:
    """Let one document of no content take its way through a queue of its own."""
    check = "redis scripts"
    try:
        number = Rehearsal(client, settings).rehearse()
    except redis.exceptions.NoPermissionError:
        # The real names were asked for before; these may be outside of a narrow rule.
        yield warn(
            check,
            "not rehearsed: its user may not use keys that begin with filot:ocr:gpu:doctor:",
            "allow them to rehearse the worker's scripts",
        )
    except _UnexpectedError as error:
        yield fail(
            check, f"the script {error} did not do what it should", "use Redis 7 or Valkey 7.2 or newer"
        )
    except redis.ResponseError as error:
        yield fail(
            check,
            f"a script is refused: {redis_problem(error)[0]}",
            "use Redis 7 or Valkey 7.2 or newer, with Lua scripts allowed",
        )
    else:
        yield passed(check, f"all {number} work, on keys that are removed again")
