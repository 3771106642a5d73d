"""Values of the worker's secrets, set out of band."""

import sys
from getpass import getpass

from infra_pulumi.environment import WorkerSecret
from infra_pulumi.release.programs import Refusal, run, say
from infra_pulumi.release.stack_file import StackFile


def missing(stack: StackFile) -> list[WorkerSecret]:
    """Secrets without a current value; those with a value in the stack's file get it by the next update."""
    stored = _with_values(stack)
    return [
        secret
        for secret in stack.secrets
        if secret.key not in stack.configured_secrets and stack.names.secret(secret.key) not in stored
    ]


def refuse_missing(stack: StackFile) -> None:
    """Refuse while a task could not start for want of a secret.

    Raises:
        Refusal: names the secrets without a value.
    """
    if names := [stack.names.secret(secret.key) for secret in missing(stack)]:
        raise Refusal(
            f"No value: {', '.join(names)}. A task does not start without them: make secrets, or leave "
            "optional ones out with filot:without-secrets."
        )


def ask(stack: StackFile) -> None:
    """Ask for each secret without a value, without echo, and store it.

    Raises:
        Refusal: some have no value afterwards.
    """
    without = missing(stack)
    for secret in stack.secrets:
        name = stack.names.secret(secret.key)
        if secret.key in stack.configured_secrets:
            say(f"{name}: has a value in Pulumi.{stack.stack}.yaml, written by the next update.")
        elif secret not in without:
            say(f"{name}: has a value.")
        elif value := _typed(f"{name} ({secret.variable}, empty to skip): "):
            _store(stack, name, value)
    refuse_missing(stack)
    say("Every secret has a value.")


def _typed(prompt: str) -> str:
    """One line from the terminal without echo, or from a pipe."""
    if sys.stdin.isatty():
        return getpass(prompt).strip()
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def _store(stack: StackFile, name: str, value: str) -> None:
    # By standard input: an argument would be in the process list and in the shell's history.
    run(
        *stack.aws.argv(
            *("secretsmanager", "put-secret-value", "--secret-id", name),
            *("--secret-string", "file:///dev/stdin"),
        ),
        stdin=value,
    )


def _with_values(stack: StackFile) -> set[str]:
    """Names of the stack's secrets that have a current version; asks for no value."""
    prefix = stack.names.secret("")
    found = stack.aws.ask("secretsmanager", "list-secrets", "--filters", f"Key=name,Values={prefix}")
    return {
        secret["Name"]
        for secret in found["SecretList"]
        if any("AWSCURRENT" in stages for stages in (secret.get("SecretVersionsToStages") or {}).values())
    }
