"""What Redis' access rules (ACL) let our user do, asked without any effect, and the rule that is needed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import redis
from redis.exceptions import NoPermissionError

from service.monitoring.backlog import MARKS_KEY
from service.monitoring.doctor.check_result import CheckResult, fail, passed
from service.monitoring.heartbeat import HEARTBEAT_PREFIX, SEEN_KEY
from service.queue import document_queue as queue
from service.settings import Settings, needed

#: The prefix of all names of the contract: what is renamed by settings is named in the rule beside it.
PREFIX = "filot:ocr:"

#: Where the scripts are that run commands on the server, and how they do.
SCRIPTS = (Path(queue.__file__).parent / "lua", Path(__file__).parents[1])
_CALL = re.compile(r"redis\.p?call\('(\w+)'")

#: Commands that are sent without a script. The last ones are the doctor's own.
SENT = (
    *("BLMOVE", "DEL", "EVALSHA", "EXISTS", "HMGET", "LLEN", "LPOS", "MGET", "PING", "PUBLISH", "RPUSH"),
    *("SCARD", "SCRIPT", "SISMEMBER", "SMISMEMBER", "TIME", "ZMSCORE", "ZRANGE", "ZREM", "ZSCORE"),
    *("INFO", "TYPE"),
)

#: What a transaction needs; without it, nothing can be asked here.
TRANSACTION = ("MULTI", "EXEC", "DISCARD")

#: Arguments with which a command passes the check of their number, after its key. A key is marked by `KEY`.
KEY = object()
ARGUMENTS: Mapping[str, Sequence[object]] = {
    "BLMOVE": (KEY, KEY, "LEFT", "LEFT", "0.01"),
    "EVALSHA": ("0" * 40, "0"),
    "EXPIRE": (KEY, "1"),
    "HDEL": (KEY, "id"),
    "HGET": (KEY, "id"),
    "HINCRBY": (KEY, "id", "1"),
    "HMGET": (KEY, "id"),
    "HSCAN": (KEY, "0"),
    "HSET": (KEY, "id", "1"),
    "HSETNX": (KEY, "id", "1"),
    "INFO": (),
    "LINDEX": (KEY, "-1"),
    "LPOS": (KEY, "id"),
    "LPUSH": (KEY, "id"),
    "LRANGE": (KEY, "0", "-1"),
    "LREM": (KEY, "0", "id"),
    "OBJECT": ("IDLETIME", KEY),
    "PEXPIRE": (KEY, "1"),
    "PING": (),
    "RPUSH": (KEY, "id"),
    "SADD": (KEY, "id"),
    "SCRIPT": ("LOAD", "return 1"),
    "SET": (KEY, "1"),
    "SISMEMBER": (KEY, "id"),
    "SMISMEMBER": (KEY, "id"),
    "SREM": (KEY, "id"),
    "SSCAN": (KEY, "0"),
    "TIME": (),
    "ZADD": (KEY, "1", "id"),
    "ZMSCORE": (KEY, "id"),
    "ZRANGE": (KEY, "0", "-1"),
    "ZRANGEBYSCORE": (KEY, "0", "1"),
    "ZREM": (KEY, "id"),
    "ZREMRANGEBYRANK": (KEY, "0", "1"),
    "ZREMRANGEBYSCORE": (KEY, "0", "1"),
    "ZSCORE": (KEY, "id"),
}


@dataclass(slots=True)
class Refusals:
    """What our user may not do."""

    commands: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


def needed_commands() -> list[str]:
    """List every command that the worker or the doctor sends, or that a script of ours runs."""
    texts = [path.read_text() for folder in SCRIPTS for path in folder.glob("*.lua")]
    return sorted({command.upper() for text in texts for command in _CALL.findall(text)} | set(SENT))


def needed_keys(settings: Settings) -> list[str]:
    """List the keys that the worker uses, an example for each prefix."""
    keys = [
        *(settings.queue_key, settings.processing_key, settings.attempts_key, queue.CORRELATION_KEY),
        *(queue.TIMESTAMPS_KEY, queue.LEASES_KEY, queue.RETRY_KEY, queue.TOKENS_KEY, queue.WATCH_KEY),
        *(f"{queue.LOCK_PREFIX}doctor", f"{queue.JOB_PREFIX}doctor", f"{HEARTBEAT_PREFIX}doctor"),
        *(MARKS_KEY, SEEN_KEY, queue.CPU_QUEUE_KEY, queue.CPU_ATTEMPTS_KEY),
    ]
    # Only read, but a rule that tells reading from writing is rare: they are asked for as the others are.
    return [*keys, queue.CPU_PROCESSING_KEY, queue.CPU_DELAYED_KEY]


def rule(settings: Settings) -> str:
    """Return the complete rule, as `ACL SETUSER` takes it."""
    user = unquote(urlsplit(needed(settings.redis_url, "REDIS_URL")).username or "") or "default"
    renamed = sorted({key for key in needed_keys(settings) if not key.startswith(PREFIX)})
    keys = " ".join(f"~{key}" for key in (f"{PREFIX}*", *renamed))
    commands = " ".join(f"+{command.lower()}" for command in sorted({*needed_commands(), *TRANSACTION}))
    return f"ACL SETUSER {user} {keys} &{settings.results_channel} {commands}"


def check_access(client: redis.Redis, settings: Settings) -> Iterator[CheckResult]:
    """Ask for every command, key and channel that the worker needs.

    Raises:
        redis.RedisError: Redis cannot be asked.
    """
    try:
        refusals = find_refusals(client, settings)
    except NoPermissionError:
        yield fail(
            "redis access",
            "its user may not run transactions (MULTI)",
            f"allow what the worker needs: {rule(settings)}",
        )
        return
    advice = f"allow what the worker needs: {rule(settings)}"
    others = [command for command in refusals.commands if command not in ("BLMOVE", "PUBLISH")]
    if others:
        yield fail("redis access", f"its user may not run {', '.join(others)}", advice)
    if refusals.keys:
        yield fail("redis access", f"its user may not use the keys {', '.join(refusals.keys)}", advice)
    if not others and not refusals.keys:
        number = len(needed_commands()) - len(refusals.commands)
        yield passed("redis access", f"all keys and {number} commands are allowed")
    if "PUBLISH" in refusals.commands or refusals.channels:
        yield fail(
            "redis channel",
            f"its user may not publish on {settings.results_channel}: no result would reach the backend",
            advice,
        )
    else:
        yield passed("redis channel", f"results may be published on {settings.results_channel}")
    if "BLMOVE" in refusals.commands:
        yield fail(
            "redis blocking",
            "its user may not run blocking commands (BLMOVE): the worker has to poll the queue",
            advice,
        )


def find_refusals(client: redis.Redis, settings: Settings) -> Refusals:
    """Queue each command in a transaction that is discarded: Redis checks its rules while queueing.

    Raises:
        NoPermissionError: transactions are not allowed.
        redis.RedisError: Redis cannot be asked.
    """
    refusals = Refusals()
    key = settings.queue_key
    connection = client.connection_pool.get_connection()
    try:

        def refusal(*command: object) -> str:
            connection.send_command(*command)
            try:
                connection.read_response()
            except NoPermissionError as error:
                return str(error)
            except redis.ResponseError as error:
                # A server that does not know the command at all lets the worker down in the same way.
                return "command" if "unknown command" in str(error) else ""
            return ""

        connection.send_command("MULTI")
        connection.read_response()
        for command in needed_commands():
            arguments = ARGUMENTS.get(command, (KEY,))
            if command == "PUBLISH":
                arguments = (settings.results_channel, "")
            reason = refusal(command, *(key if each is KEY else each for each in arguments))
            if "channel" in reason:
                refusals.channels.append(settings.results_channel)
            elif "command" in reason:
                refusals.commands.append(command)
        for name in needed_keys(settings):
            # A command that is allowed, so that a refusal is about the key.
            if "key" in refusal("EXPIRE", name, "1"):
                refusals.keys.append(name)
        refusal("DISCARD")
    finally:
        # It may still be in the transaction.
        connection.disconnect()
        client.connection_pool.release(connection)
    return refusals
