"""docs/reference.md says what the code does."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest

from service.cli import output
from service.reading.documents.scoring import Decision, ReviewOutcome
from service.runtime.supervisor import EXIT_CONFIGURATION, EXIT_GPU_GONE, EXIT_GPU_LOST
from service.runtime.watchdog import HUNG
from service.settings import load_settings
from service.store.result import GPUOCRResult
from service.store.reviews import DECIDED
from service.telemetry.metrics import FAILURE_CODES
from tools.reference import PAGE, failure_sentences, filled

TEXT = PAGE.read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_tables_from_the_code_are_current() -> None:
    assert filled(TEXT) == TEXT, "run `make reference`"


def test_options_that_must_be_given_are_shown_without_brackets() -> None:
    commands = section("Commands")

    assert "`filot-ocr backfill --status ... [--type ...]" in commands
    assert "`filot-ocr pause --why ... [--for ...]`" in commands
    assert "`filot-ocr cancel ID... [--why ...] [--yes]`" in commands


def test_every_failure_code_has_its_sentence() -> None:
    assert failure_sentences().keys() == set(FAILURE_CODES)


def test_the_exit_codes_are_those_of_the_code() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section("Commands"), re.MULTILINE)}

    assert documented == {
        *(0, output.EXIT_INPUT, output.EXIT_ENVIRONMENT),
        *(EXIT_CONFIGURATION, EXIT_GPU_GONE, EXIT_GPU_LOST, HUNG, output.EXIT_INTERRUPTED),
    }


def test_the_limits_are_those_of_the_code() -> None:
    text = section("Limits")

    assert "JPEG, PNG, WEBP, TIFF, HEIC, AVIF, PDF" in text
    assert {*re.findall(r"`([a-z_]+)` \|$", text, re.MULTILINE)} <= set(FAILURE_CODES)
    assert f"{load_settings().max_file_size} MB" in text


def test_every_value_of_what_a_row_says_of_the_decision_is_named() -> None:
    page = (PAGE.parent / "integration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(verification_status|ai_decision)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    named = {column: [set(re.findall(r"`(\w+)`", cell)) for cell in cells] for column, *cells in rows}

    assert named["verification_status"][0] == set(get_args(ReviewOutcome))
    assert named["ai_decision"][0] == set(get_args(Decision))
    assert named["verification_status"][1] > DECIDED


def test_every_published_field_is_explained() -> None:
    named = set(
        re.findall(
            r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|", section("The published result"), re.M))
        )
    )
    values: dict[str, Any] = {field.name: 0 for field in fields(GPUOCRResult)}
    everything = GPUOCRResult(**values)

    assert named == everything.published().keys()


def judgements() -> dict[str, str]:
    """What docs/integration.md says of each failure code: whether another upload helps."""
    page = (PAGE.parent / "integration.md").read_text(encoding="utf-8")
    table = page.partition("| `errorCode` |")[2].partition("\n\n")[0]
    rows = [line.split("|") for line in table.splitlines()[2:]]
    return {code: row[3].strip() for row in rows for code in re.findall(r"`([a-z_]+)`", row[1])}


def test_every_failure_code_is_judged_by_whether_another_upload_helps() -> None:
    assert sorted(judgements()) == sorted(FAILURE_CODES)


@pytest.mark.parametrize("code", FAILURE_CODES)
def test_the_user_is_asked_for_another_upload_only_if_it_helps(code: str) -> None:
    indonesian, english = failure_sentences()[code]

    assert "upload" in english.lower()
    assert "unggah" in indonesian.lower()
    assert ("no need to upload" in english) == (judgements()[code] == "no")
    assert ("tidak perlu unggah" in indonesian) == (judgements()[code] == "no")


def test_the_workflow_that_is_shown_is_the_one_that_is_type_checked() -> None:
    page = (PAGE.parent / "integration.md").read_text(encoding="utf-8")
    _, _, program = (PAGE.parent / "examples/verify-card.ts").read_text(encoding="utf-8").partition("\n")

    assert f"```ts\n{program}```" in page


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    root = Path(__file__).parents[2]
    readme = (root / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", readme)

    assert len(readme.splitlines()) <= 150
    assert len(linked) > 5
    assert [link for link in linked if not (root / link).exists()] == []
