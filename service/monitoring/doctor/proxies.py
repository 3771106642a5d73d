"""The proxy variables (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``): whether the worker can use them."""

import ipaddress
import socket
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from service.monitoring.doctor.check_result import CheckResult, fail, passed
from service.settings import Settings
from service.store.server_problems import broken_link

#: s for a connection to a proxy.
TIMEOUT = 5.0

#: Kinds of proxies that the HTTP clients of the worker speak to.
SCHEMES = ("http", "https")

PORTS = {"http": 80, "https": 443}


def check_proxies(settings: Settings) -> Iterator[CheckResult]:
    """Parse the variables as the HTTP clients do, then connect to each proxy that the worker would use."""
    check = "proxy"
    proxies = urllib.request.getproxies()
    exceptions = proxies.pop("no", "")
    problem = unusable_exceptions(exceptions) or unusable(proxies)
    if problem:
        yield fail(check, *problem)
        return
    if not proxies:
        yield passed(check, "no proxy is set")
        return
    for variable, url in _used(settings, proxies).items():
        problem = _unreachable(url)
        if problem:
            says, advice = problem
            yield fail(check, f"{variable}: {says}", f"{advice}; or list the host in NO_PROXY")
            return
    yield passed(check, "every proxy that is used answers")


def unusable(proxies: dict[str, str]) -> tuple[str, str] | None:
    """Return what is wrong with the form of a proxy's URL, and what to do; None when all can be used."""
    for scheme, url in sorted(proxies.items()):
        variable = f"{scheme.upper()}_PROXY"
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in SCHEMES:
            return (
                f"{variable} is a {parts.scheme}:// proxy, which the worker does not support",
                "set it to an http:// or https:// proxy, or unset it",
            )
        try:
            reachable = parts.hostname and parts.port != 0
        except ValueError:
            reachable = False
        if not reachable:
            return f"{variable} is not a URL with a host and a port", "correct it, or unset it"
    return None


def unusable_exceptions(text: str) -> tuple[str, str] | None:
    """Return the first entry of NO_PROXY that the HTTP client refuses, and what to do; None if all are fine.

    One bad entry stops every request, whichever host it is for, and with no proxy set as well.
    """
    for entry in filter(None, (part.strip() for part in text.split(","))):
        if "://" not in entry and _is_address(entry):
            continue
        try:
            # The pattern that the client makes of the entry.
            httpx.Client(
                mounts={entry if "://" in entry else f"all://*{entry}": None}, trust_env=False
            ).close()
        except (httpx.InvalidURL, ValueError):
            return (
                f"the entry {entry} of NO_PROXY cannot be used: no request to the review service is sent",
                "remove it, or write names and single addresses instead",
            )
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("/")[0] if "." in text else text)
    except ValueError:
        return False
    return True


def _used(settings: Settings, proxies: dict[str, str]) -> dict[str, str]:
    """Return the proxies on the way to the review service and the file store, by variable."""
    used = {}
    for url in (settings.buli2_api_url, settings.r2_endpoint):
        parts = urlsplit(url or "")
        if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
            continue
        for scheme in (parts.scheme, "all"):
            if scheme in proxies:
                used[f"{scheme.upper()}_PROXY"] = proxies[scheme]
                break
    return used


def _unreachable(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port or PORTS[parts.scheme]
        socket.create_connection((str(parts.hostname), port), TIMEOUT).close()
    except OSError as error:
        return broken_link(error)
    return None
