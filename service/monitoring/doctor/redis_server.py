"""Redis: whether it lets us in, and keeps what lies in it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import redis

from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.doctor.network import broken_link
from service.queue.document_queue import connect_redis
from service.settings import Settings, needed

#: The version that the contract with the backend names, and the oldest that has every command we use.
EXPECTED, OLDEST = (7, 0), (6, 2)

#: Share of the allowed memory from which on it should be looked at.
NEARLY_FULL = 0.9

NOEVICTION = "set maxmemory-policy to noeviction: any other one may throw queued documents away"


def check_redis(settings: Settings) -> Iterator[CheckResult]:
    """Connect, then look at version, role, memory, persistence and keys.

    Raises:
        SettingsError: ``REDIS_URL`` is not set.
    """
    with connect_redis(settings) as client:
        try:
            # Not only a greeting: the worker's scripts must be allowed, too.
            client.eval("return 1", 0)
            info: dict[str, Any] = client.info()
            types = {key: client.type(key) for key in _expected_types(settings)}
        except redis.RedisError as error:
            says, advice = connection_problem(error, settings)
            yield fail("redis", says, advice)
            return
    yield _version(info)
    yield _role(info)
    yield _eviction(info)
    yield _memory(info)
    yield _persistence(info)
    yield _keys(types, settings)


def connection_problem(error: redis.RedisError, settings: Settings) -> tuple[str, str]:
    """Why Redis did not do as asked, and what to do; a wrong password is not a server that is away."""
    match error:
        case redis.AuthenticationError():
            return _password_trouble(error, settings)
        case redis.exceptions.NoPermissionError():
            return (
                "its user may not run every command that is needed",
                "allow it scripts, INFO and the keys filot:ocr:* in Redis' ACL",
            )
        case redis.BusyLoadingError():
            return "it is loading its data after a start", "wait; it answers when it is through"
        case redis.ResponseError():
            return f"it refuses a command ({type(error).__name__})", "check what REDIS_URL leads to"
        case _:
            return broken_link(error)


def _password_trouble(error: redis.AuthenticationError, settings: Settings) -> tuple[str, str]:
    if "without any password configured" in str(error):
        return "it has no password, but one is sent", "unset REDIS_PASSWORD and take it out of REDIS_URL"
    if settings.redis_password or urlsplit(needed(settings.redis_url, "REDIS_URL")).password:
        return (
            "it refuses the password or the user's name",
            "compare REDIS_PASSWORD (it overrides the one in REDIS_URL) with the server's",
        )
    return "it asks for a password, and none is set", "set REDIS_PASSWORD"


def _version(info: dict[str, Any]) -> CheckResult:
    text = str(info["redis_version"])
    version = tuple(int(part) for part in text.split(".")[:2])
    if version < OLDEST:
        return fail("redis version", f"{text} lacks commands that are needed", "update Redis to 7")
    if version < EXPECTED:
        return warn("redis version", f"{text} is older than expected", "update Redis to 7")
    return passed("redis version", text)


def _role(info: dict[str, Any]) -> CheckResult:
    if info["role"] == "master":
        return passed("redis role", "primary")
    return fail("redis role", "a replica, which cannot be written to", "name the primary in REDIS_URL")


def _eviction(info: dict[str, Any]) -> CheckResult:
    policy = info["maxmemory_policy"]
    if policy == "noeviction":
        return passed("redis eviction", policy)
    return fail("redis eviction", policy, NOEVICTION)


def _memory(info: dict[str, Any]) -> CheckResult:
    used, allowed = info["used_memory"], info["maxmemory"]
    says = f"{used / 2**20:.0f} MiB used" + (f" of {allowed / 2**20:.0f} MiB" if allowed else "")
    if allowed and used >= NEARLY_FULL * allowed:
        return warn(
            "redis memory", says, "find what fills it, or give it more: when full, it refuses documents"
        )
    return passed("redis memory", says)


def _persistence(info: dict[str, Any]) -> CheckResult:
    if info["aof_enabled"] and info["aof_last_write_status"] != "ok":
        return fail(
            "redis persistence", "its append-only file cannot be written", "look at Redis' disk and log"
        )
    if info["rdb_last_bgsave_status"] != "ok":
        return fail(
            "redis persistence",
            "its last snapshot failed; it may refuse to be written to until one succeeds",
            "look at Redis' disk, memory and log",
        )
    if info["aof_enabled"]:
        return passed("redis persistence", "an append-only file")
    if info["connected_slaves"]:
        return passed("redis persistence", f"{info['connected_slaves']} replicas")
    if info.get("rdb_saves"):
        return passed("redis persistence", "snapshots")
    return warn(
        "redis persistence",
        "neither an append-only file nor a replica, and no snapshot since its start",
        "turn one on: after a restart, only documents whose rows say `processing` are found again",
    )


def _expected_types(settings: Settings) -> dict[str, str]:
    return {settings.queue_key: "list", settings.processing_key: "set", settings.attempts_key: "hash"}


def _keys(types: dict[str, Any], settings: Settings) -> CheckResult:
    wrong = [
        f"{key} is a {types[key]} and no {expected}"
        for key, expected in _expected_types(settings).items()
        if types[key] not in (expected, "none")
    ]
    if wrong:
        return fail("redis keys", "; ".join(wrong), "give OCR_GPU_..._KEY names that nobody else uses")
    return passed("redis keys", "the queue's names are free or its own")
