"""`python -m bench.chaos.mutants`: take away the code that keeps a promise, and see a scenario fail."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.chaos.variables import SKEW

#: Seconds after which a scenario counts as failed: some mutants make it wait for ever.
TIMEOUT = 300

#: What the scenarios run on.
PARTS = ("service", "devstack", "bench", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One promise without the code that keeps it."""

    promise: str
    file: str
    before: str
    after: str
    #: The scenario that must fail.
    scenario: str


#: The scripts as they would be with the worker's clock in the server's place.
WORKERS_CLOCK = (
    "service/queue/document_queue.py",
    'shared = (folder / "schema.lua").read_text()',
    'shared = (folder / "schema.lua").read_text().replace("t[1] *", "(t[1] + %s) *" % '
    f'(__import__("os").environ["{SKEW}"] or 0))',
)

MUTANTS = (
    Mutant(
        "a living worker keeps its jobs",
        "service/queue/active_jobs.py",
        "lost = self.document_queue.renew(tokens)",
        "lost = self.document_queue.renew([])",
        "storage-slow",
    ),
    Mutant(
        "a dead worker's jobs return",
        "service/queue/lua/return_due.lua",
        "for i = #expired, 1, -1 do",
        "for i = 0, -1 do",
        "freeze",
    ),
    Mutant(
        "nobody is taken for dead while Redis is away",
        "service/queue/lua/return_due.lua",
        "if not was_watched then",
        "if false then",
        "redis-restart",
    ),
    Mutant(
        "a worker whose clock is ahead takes no one's job",
        *WORKERS_CLOCK,
        "clock-ahead",
    ),
    Mutant(
        "a worker whose clock is behind loses no job",
        *WORKERS_CLOCK,
        "clock-behind",
    ),
    Mutant(
        "an overtaken worker's token is void",
        "service/queue/lua/schema.lua",
        "if token then redis.call('HDEL', tokens, token) end",
        "",
        "freeze",
    ),
    Mutant(
        "an overtaken worker cannot write",
        "service/store/documents.py",
        'if row is None or row["fence"] != fencing_token:',
        "if row is None:",
        "freeze",
    ),
    Mutant(
        "a take whose reply was lost is repeated, not forgotten",
        "service/queue/broker.py",
        "        self.active_jobs.looked()\n",
        "        self.active_jobs.looked()\n        self.token = str(uuid.uuid4())\n",
        "reply-take",
    ),
    Mutant(
        "a settlement is repeated until Redis heard it",
        "service/queue/broker.py",
        "raise ConnectionClosed(error) from None",
        "return",
        "redis-failing",
    ),
    Mutant(
        "told only after PUBLISH went through",
        "service/store/publisher.py",
        "            self._publish(result.published(), {})\n        self._unmarked.add(result.job_id)\n",
        "            self._unmarked.add(result.job_id)\n            self._publish(result.published(), {})\n",
        "redis-rights",
    ),
    Mutant(
        "what a job could not tell, the sweep tells",
        "service/runtime/maintenance.py",
        "published = self.publisher.publish_pending()",
        "published = 0",
        "reply-publish",
    ),
    Mutant(
        "a result and what is still to be told are one transaction",
        "service/store/documents.py",
        "            _put_result(cursor, result, document.type)\n            if review:",
        "            if review:",
        "redis-rights",
    ),
    Mutant(
        "documents that Redis lost are found in PostgreSQL",
        "service/queue/recovery.py",
        "return set(document_ids) - self.document_queue.known(document_ids)",
        "return set()",
        "redis-empty",
    ),
    Mutant(
        "what the CPU pipeline holds is left alone",
        "service/queue/recovery.py",
        "self.document_queue.enqueue_lost(each)",
        "self.document_queue.enqueue(each)",
        "redis-empty",
    ),
    Mutant(
        "an outage of our servers burns no attempt",
        "service/runtime/middleware/settlement.py",
        'Settlement("retry", _delay(context.job), counts=False)',
        'Settlement("retry", _delay(context.job))',
        "postgres-away",
    ),
    Mutant(
        "a silent PostgreSQL is given up",
        "service/store/database.py",
        "        set_wait_callback(_wait_for_answer)\n",
        "",
        "postgres-stall",
    ),
    Mutant(
        "a broken download is our fault, not the document's",
        "service/store/object_store.py",
        'raise UnavailableError("the document store broke off")',
        "pass",
        "storage-cut",
    ),
    Mutant(
        "a document that kills its process fails for good",
        "service/queue/lua/fetch.lua",
        "count = count + 1",
        "count = count + 0",
        "poison",
    ),
    Mutant(
        "a suspect works alone",
        "service/queue/broker.py",
        "or (job.crash_count and not self._is_alone(job))",
        "",
        "poison",
    ),
    Mutant(
        "a worker that died is started again",
        "service/runtime/supervisor.py",
        "if self.stopping or code in (EXIT_CONFIGURATION, EXIT_GPU_GONE):",
        "if True:",
        "poison",
    ),
    Mutant(
        "a hanging call ends its process",
        "service/runtime/watchdog.py",
        "os._exit(HUNG)",
        "continue",
        "hang",
    ),
    Mutant(
        "even one that holds Python's lock",
        "service/runtime/watchdog.py",
        "faulthandler.dump_traceback_later(self.timeout + INTERVAL, exit=True, file=STDERR)",
        "pass",
        "hang-locked",
    ),
    Mutant(
        "nothing is taken after SIGTERM",
        "service/queue/active_jobs.py",
        "        self._stopping = True\n",
        "",
        "stop-short",
    ),
    Mutant(
        "an unfinished job is back at the deadline",
        "service/runtime/middleware/graceful_stop.py",
        "            deadline.start()\n",
        "",
        "stop-long",
    ),
    Mutant(
        "a second SIGTERM hurries",
        "service/runtime/middleware/graceful_stop.py",
        "        self.active_jobs.give_back()\n        return True",
        "        return False",
        "stop-twice",
    ),
    Mutant(
        "the backlog stays in the list",
        "service/queue/active_jobs.py",
        "and len(self._jobs) < self.limit",
        "and len(self._jobs) < 1000",
        "backlog",
    ),
    Mutant(
        "a bad document fails at once",
        "service/runtime/processing.py",
        "except DocumentError as error:\n            return",
        "except RetriesExceededError as error:\n            return",
        "storage-404",
    ),
    Mutant(
        "a review is asked for until it has a ticket",
        "service/store/reviews.py",
        "            self._retry_later(entry, str(error))",
        "            self._retry_later(entry, str(error), give_up=True)",
        "reviews-away",
    ),
    Mutant(
        "a read-only PostgreSQL is no document's fault",
        "service/store/database.py",
        "if code[:2] in DATA_ERROR_CLASSES and self._is_migrated:",
        "if True:",
        "postgres-read-only",
    ),
    Mutant(
        "nor is a right that was taken away",
        "service/store/database.py",
        "if code[:2] in DATA_ERROR_CLASSES and self._is_migrated:",
        'if code[:2] in DATA_ERROR_CLASSES | {"42"}:',
        "postgres-rights",
    ),
    Mutant(
        "connections to an old primary of PostgreSQL are not kept",
        "service/store/database.py",
        "if code == READ_ONLY:",
        "if False:",
        "postgres-failover",
    ),
    Mutant(
        "connections to an old primary of Redis are not kept",
        "service/queue/redis_client.py",
        "                self.pool.drop_connections()\n",
        "                pass\n",
        "redis-failover",
    ),
    Mutant(
        "a pooler is asked for nothing that it refuses",
        "service/store/database.py",
        '"keepalives_idle": 10,',
        '"keepalives_idle": 10, "options": "-c statement_timeout=10000",',
        "pgbouncer",
    ),
    Mutant(
        "no process outlives the supervisor",
        "service/runtime/process_control.py",
        "    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)\n",
        "",
        "kill-supervisor",
    ),
    Mutant(
        "a master that died is started again",
        "service/runtime/supervisor.py",
        "if self.stopping or code in (EXIT_CONFIGURATION, EXIT_GPU_GONE):",
        "if True:",
        "kill-master",
    ),
    Mutant(
        "a reader that died is started again",
        "service/runtime/supervisor.py",
        "if self.stopping or code in (EXIT_CONFIGURATION, EXIT_GPU_GONE):",
        "if True:",
        "kill-reader",
    ),
    Mutant(
        "a decoder that the kernel killed costs no attempt",
        "service/reading/pages/pool.py",
        "        except DecoderKilledError:\n            # What",
        "        except ZeroDivisionError:\n            # What",
        "kill-decoder",
    ),
    Mutant(
        "an engine that failed is tried again",
        "service/runtime/processing.py",
        "if job.attempt < self.settings.max_retries:",
        "if False:",
        "kill-tesseract",
    ),
    Mutant(
        "a download has one limit for all its bytes",
        "service/store/object_store.py",
        "if time.monotonic() > deadline:",
        "if False:",
        "drip-storage",
    ),
    Mutant(
        "and so has the head of its answer",
        "service/store/object_store_connections.py",
        "        timer.start()\n",
        "",
        "drip-storage",
    ),
    Mutant(
        "a call of the review service has one, too",
        "service/store/review_client.py",
        "    timer.start()\n",
        "",
        "drip-reviews",
    ),
    Mutant(
        "so has an answer of PostgreSQL",
        "service/store/database.py",
        "poll.poll(max(0.0, deadline - time.monotonic()) * 1000)",
        "poll.poll(ANSWER_TIMEOUT * 1000)",
        "drip-postgres",
    ),
    Mutant(
        "a worker that hears too late lets go",
        "service/queue/lua/return_due.lua",
        "for i = #expired, 1, -1 do",
        "for i = 0, -1 do",
        "drip-redis",
    ),
    Mutant(
        "the result of an old file is not stored",
        "service/store/documents.py",
        'return "stored" if row["file_url"] == document.file_url else "changed"',
        'return "stored"',
        "row-changed",
    ),
    Mutant(
        "somebody else's decision stands",
        "service/store/documents.py",
        'if row["status"] not in ("processing", "uploaded"):',
        "if False:",
        "row-changed",
    ),
    Mutant(
        "no script searches the whole list",
        "service/queue/lua/schema.lua",
        "local MAX_SCAN = 1000\n",
        "local MAX_SCAN = 1000000000\n",
        "million",
    ),
    Mutant(
        "what the original worker has locked is left alone",
        "service/queue/lua/reap.lua",
        "    and redis.call('EXISTS', lock_of(id)) == 0 then",
        "    then",
        "rollout",
    ),
    Mutant(
        "and not again once it has one",
        "service/store/reviews.py",
        '        self._store(entry, body.get("reviewId"), ticket)\n',
        '        self._retry_later(entry, "")\n',
        "reviews-away",
    ),
)


def main() -> int:
    """Try every mutant; returns how many no scenario noticed."""
    options = _options()
    console = Console(soft_wrap=True)
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="filot-mutants-") as folder:
        tree = Path(folder)
        for part in PARTS:
            source = Path(part)
            if source.is_dir():
                shutil.copytree(source, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, tree / part)
        for mutant in MUTANTS:
            if options.only and mutant.scenario not in options.only:
                continue
            noticed = _is_noticed(tree, mutant, options.seed)
            unnoticed += not noticed
            console.print(
                f"{'noticed  ' if noticed else 'UNNOTICED'}  {mutant.scenario:15}  {mutant.promise}",
                markup=False,
            )
    return unnoticed


def _is_noticed(tree: Path, mutant: Mutant, seed: int) -> bool:
    file = tree / mutant.file
    sound = file.read_text()
    if sound.count(mutant.before) < 1:
        raise LookupError(f"{mutant.file} no longer holds what this mutant changes: {mutant.promise}")
    file.write_text(sound.replace(mutant.before, mutant.after))
    try:
        played = subprocess.run(
            [sys.executable, "-m", "bench.chaos", "--seed", str(seed), "--only", mutant.scenario],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(sound)
    return played.returncode != 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of every scenario")
    parser.add_argument("--only", action="append", help="mutants of this scenario; can be repeated")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(min(main(), 100))
