"""Other programs: git, docker, aws, pulumi. Their own error text reaches the operator."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


class Refusal(Exception):  # noqa: N818 - not an error of the program
    """The command stops before it changes anything; the text says why and what to do."""


class FailedProgramError(Exception):
    """Another program failed; its output has been shown or is part of the text."""

    def __init__(self, argv: tuple[str, ...], status: int, stderr: str) -> None:
        super().__init__(stderr.strip() or f"{' '.join(argv[:3])} ended with status {status}")
        self.stderr = stderr


def say(text: str) -> None:
    """Tell the operator something, before the output of programs that follow."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def available(program: str) -> bool:
    """Whether a program is installed."""
    return shutil.which(program) is not None


def run(*argv: str, env: Mapping[str, str] | None = None, stdin: str | None = None) -> None:
    """Run a program in the foreground.

    Raises:
        FailedProgramError: it ended with another status than 0.
    """
    done = subprocess.run(argv, env={**os.environ, **(env or {})}, input=stdin, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise FailedProgramError(argv, done.returncode, "")


def output(*argv: str) -> str:
    """What a program prints.

    Raises:
        FailedProgramError: it ended with another status than 0; holds what it wrote to standard error.
    """
    # What the operator types is for this command, not for the programs that it asks.
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise FailedProgramError(argv, done.returncode, done.stderr)
    return done.stdout.strip()


class AwsCli:
    """The AWS CLI in one region."""

    def __init__(self, region: str, profile: str | None) -> None:
        self._options = ["--region", region, "--output", "json"]
        if profile:
            self._options += ["--profile", profile]

    def argv(self, *arguments: str) -> tuple[str, ...]:
        """A command line."""
        return ("aws", *arguments, *self._options)

    def ask(self, *arguments: str, unless: tuple[str, ...] = ()) -> Any:
        """The answer to a request; None if AWS answers with one of the error codes ``unless``.

        Raises:
            FailedProgramError: any other error: expired credentials are not a missing image.
        """
        try:
            text = output(*self.argv(*arguments))
        except FailedProgramError as error:
            if any(f"({code})" in error.stderr for code in unless):
                return None
            raise
        return json.loads(text) if text else None
