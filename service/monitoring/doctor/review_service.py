"""The review service: whether it answers, and whether reviews wait that were requested. None is requested."""

from collections.abc import Iterator

import httpx
import psycopg2
import redis

from service.errors import SettingsError
from service.monitoring.backlog import read_outbox_backlog
from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.doctor.postgres import connect
from service.monitoring.formatting import agree, pluralize
from service.monitoring.heartbeat import worker_states
from service.monitoring.problems import undelivered_reviews
from service.queue.redis_client import connect_redis
from service.settings import Settings
from service.store.review_client import refusal_advice
from service.store.server_problems import broken_link

#: s for one answer.
TIMEOUT = 10.0

NO_CALLBACK = "BULI2_CALLBACK_URL is not set: no decision can come back"


def check_reviews(settings: Settings) -> Iterator[CheckResult]:
    """Send a GET where reviews are requested with POST: any answer of its own shows that it runs."""
    if not settings.buli2_api_url:
        yield warn(
            "review service", "not set: documents wait for review", "set BULI2_API_URL if there is one"
        )
        return
    if has_no_callback(settings):
        yield warn("review callback", NO_CALLBACK, "set it to the backend's route, .../internal/reviews")
    key = settings.buli2_api_key
    try:
        answer = httpx.get(
            f"{settings.buli2_api_url.rstrip('/')}/internal/reviews",
            headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            timeout=TIMEOUT,
        )
    except httpx.TimeoutException:
        yield fail("review service", "it does not answer", "check BULI2, and firewalls on the way")
    except (httpx.InvalidURL, ImportError, ValueError):
        # Raised for what the environment says of proxies, before anything is sent.
        yield fail("review service", "no request can be sent", "fix the line `proxy`, or BULI2_API_URL")
    except httpx.HTTPError as error:
        says, advice = broken_link(error)
        yield fail("review service", says, f"{advice} (BULI2_API_URL)")
    else:
        yield _answer(answer.status_code)


def check_review_requests(settings: Settings) -> Iterator[CheckResult]:
    """Look for reviews that were requested in vain: a service may answer a GET and refuse every request."""
    name = "review requests"
    try:
        with connect(settings) as cursor:
            cursor.execute("SELECT to_regclass('ocr_worker.outbox') IS NULL AS new")
            (row,) = cursor.fetchall()
            backlog = None if row["new"] else read_outbox_backlog(cursor)
        workers = worker_states(connect_redis(settings))
    except (psycopg2.Error, redis.RedisError, SettingsError):
        # The lines of these servers say why.
        return
    found = list(undelivered_reviews(backlog, workers)) if backlog else []
    for problem in found:
        yield fail(name, *(f"{text[0].lower()}{text[1:-1]}" for text in (problem.sentence, problem.advice)))
    if backlog and backlog.given_up:
        yield fail(
            name,
            f"{pluralize(backlog.given_up, 'review')} {agree(backlog.given_up, 'was', 'were')} given up",
            "once BULI2 answers, `filot-ocr requeue --reviews`",
        )
    elif not found:
        yield passed(name, "none waits")


def has_no_callback(settings: Settings) -> bool:
    """Return whether reviews are requested whose decisions have no address to come back to."""
    return bool(settings.buli2_api_url) and not settings.buli2_callback_url


def _answer(status: int) -> CheckResult:
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return fail("review service", f"it refuses the key (HTTP {status})", refusal_advice(status))
    if httpx.codes.is_redirect(status):
        return fail("review service", f"it redirects (HTTP {status})", refusal_advice(status))
    if httpx.codes.is_server_error(status):
        return fail("review service", f"it fails (HTTP {status})", refusal_advice(status))
    if status in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
        return passed("review service", f"it answers; it accepts no GET there (HTTP {status}), as expected")
    return passed("review service", f"it answers (HTTP {status})")
