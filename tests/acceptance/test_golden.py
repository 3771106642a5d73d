"""Every name that others know the service by is still there. What is compared and how: `tests/golden`."""

from pathlib import Path

from tests.golden import check, commands
from tests.golden.source import names_in_source
from tests.golden.worker import Run


def test_names_in_the_source_stay() -> None:
    check("source", names_in_source())


def test_the_package_and_its_commands_stay() -> None:
    check(
        "commands",
        {
            "functions": commands.functions(),
            "commands": commands.commands(),
            "settings": commands.settings(),
        },
    )


def test_what_commands_print_and_how_they_end_stays(
    environment: dict[str, str], tmp_path: Path, ktp: bytes, npwp: bytes
) -> None:
    check(
        "answers of commands",
        {
            "read": commands.read_documents(environment, {"KTP": ktp, "NPWP": npwp}, tmp_path),
            "exit codes": commands.exit_codes(environment, tmp_path),
        },
    )


def test_what_a_worker_says_to_others_stays(
    environment: dict[str, str], tmp_path: Path, ktp: bytes, npwp: bytes
) -> None:
    check("worker", Run(environment, tmp_path).names(ktp, npwp))
