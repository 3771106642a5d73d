"""The review service: whether it answers and does not refuse the key. No review is requested."""

from collections.abc import Iterator

import httpx

from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.settings import Settings
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


def has_no_callback(settings: Settings) -> bool:
    """Return whether reviews are requested whose decisions have no address to come back to."""
    return bool(settings.buli2_api_url) and not settings.buli2_callback_url


def _answer(status: int) -> CheckResult:
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return fail(
            "review service", f"it refuses the key (HTTP {status})", "compare BULI2_API_KEY with BULI2's"
        )
    if httpx.codes.is_redirect(status):
        return fail(
            "review service",
            f"it redirects (HTTP {status})",
            "set BULI2_API_URL to the final URL",
        )
    if httpx.codes.is_server_error(status):
        return fail("review service", f"it fails (HTTP {status})", "check BULI2; reviews wait meanwhile")
    if status in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
        return passed("review service", f"it answers; it accepts no GET there (HTTP {status}), as expected")
    return passed("review service", f"it answers (HTTP {status})")
