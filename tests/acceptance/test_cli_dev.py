"""`demo`, `dev` and `temporal` where what they need is not installed."""

import os
import subprocess
import sys


def without(module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `filot-ocr` in a process that cannot import a module."""
    program = f"import sys; sys.modules[{module!r}] = None; from service.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_extra_the_development_commands_name_it() -> None:
    for arguments in (("demo",), ("dev", "up")):
        ended = without("moto", *arguments)

        assert (ended.returncode, ended.stdout) == (1, "")
        assert "need the extra `demo` (moto missing): pip install" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_outside_the_source_repository_the_development_commands_say_so() -> None:
    ended = without("devstack", "demo")

    assert ended.returncode == 1
    assert "come with the source repository" in ended.stderr


def test_without_the_extra_temporal_says_what_to_type_in_a_clone_as_well() -> None:
    ended = without("temporalio", "temporal")

    assert ended.returncode == 1
    assert (
        "pip install 'filot-ocr-worker[temporal]', or in a clone pip install -e '.[temporal]'" in ended.stderr
    )
