"""Runs all checks in parallel, each in a process of its own: one that hangs or crashes is a line, too."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from service.errors import SettingsError
from service.monitoring.doctor.check_result import CheckResult, fail, without_secrets
from service.monitoring.doctor.clock import check_clock
from service.monitoring.doctor.configuration import check_encryption, check_settings
from service.monitoring.doctor.engine import check_engine, check_gpu, check_models
from service.monitoring.doctor.machine import check_disk
from service.monitoring.doctor.object_store import check_storage
from service.monitoring.doctor.postgres import check_postgres
from service.monitoring.doctor.proxies import check_proxies
from service.monitoring.doctor.redis_server import check_redis
from service.monitoring.doctor.review_service import check_review_requests, check_reviews
from service.monitoring.doctor.tables import check_tables
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """One check, and the s that it may take."""

    name: str
    run: Callable[[Settings], Iterable[CheckResult]]
    seconds: float = 20.0
    #: Settings that name the servers it asks: where one is not set, the settings' own line says so.
    servers: tuple[str, ...] = ()


#: The settings that name each server.
REDIS, POSTGRESQL = ("redis_url",), ("database_url",)
STORAGE = ("r2_endpoint", "r2_access_key_id", "r2_secret_access_key", "r2_bucket")

#: In the order in which one would fix what is wrong.
CHECKS = (
    Check("settings", check_settings),
    Check("redis", check_redis, servers=REDIS),
    Check("postgresql", check_postgres, servers=POSTGRESQL),
    Check("tables", check_tables, servers=POSTGRESQL),
    Check("storage", check_storage, servers=STORAGE),
    Check("proxy", check_proxies),
    Check("review service", check_reviews),
    Check("review requests", check_review_requests, servers=(*REDIS, *POSTGRESQL)),
    Check("encryption", check_encryption, servers=(*REDIS, *POSTGRESQL)),
    Check("clock", check_clock, 40.0, servers=(*REDIS, *POSTGRESQL)),
    Check("models", check_models),
    # They load libraries and models; CUDA perhaps for the first time since the machine started.
    Check("engine", check_engine, 60.0),
    Check("gpu", check_gpu, 90.0),
    Check("disk", check_disk),
)


def run_checks(settings: Settings, checks: Sequence[Check] = CHECKS) -> Iterator[CheckResult]:
    """Yield the results of every check in order, as soon as it and those before it have ended.

    Checks that still run when the generator is closed are killed.
    """
    # Not plain forks of this process, which may have threads, nor a fresh interpreter for each.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    started = []
    for check in checks:
        if any(getattr(settings, name) is None for name in check.servers):
            continue
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(check, settings, theirs), daemon=True)
        process.start()
        theirs.close()
        started.append((check, process, ours, time.monotonic() + check.seconds))
    try:
        for check, _, answer, deadline in started:
            for result in _wait(check, answer, deadline):
                yield without_secrets(result, settings)
    finally:
        for _, process, answer, _ in started:
            process.kill()
            process.join()
            answer.close()


def _wait(check: Check, answer: "Connection[None, list[CheckResult]]", deadline: float) -> list[CheckResult]:
    try:
        if answer.poll(max(0.0, deadline - time.monotonic())):
            return answer.recv()
    except EOFError:
        return [fail(check.name, "the check crashed", "run `filot-ocr doctor` again, and see dmesg")]
    says = f"no answer within {check.seconds:.0f} s"
    return [fail(check.name, says, "the server, the network, or a driver on this machine hangs")]


def _run(check: Check, settings: Settings, answer: "Connection[list[CheckResult], None]") -> None:
    # Ctrl-C belongs to the command, and the output of libraries into no report.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    answer.send(_results(check, settings))


def _results(check: Check, settings: Settings) -> list[CheckResult]:
    try:
        return list(check.run(settings))
    except SettingsError as error:
        return [fail(check.name, str(error), "correct the settings; `filot-ocr settings` shows them")]
    except Exception as error:
        # A mistake in a check must not hide the other results; its text could quote anything.
        return [fail(check.name, f"the check failed ({type(error).__name__})", "check this by hand")]
