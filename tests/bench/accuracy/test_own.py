"""One's own labelled cards."""

import json
from pathlib import Path

import pytest

from bench.accuracy.own import TruthError, find_own, load_own

ENTRY = {"file": "card.jpg", "type": "KTP", "name": "SITI", "nik": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "card.jpg").write_bytes(b"a picture")
    return tmp_path


def test_truths_are_read_from_json(folder: Path) -> None:
    (folder / "truth.json").write_text(json.dumps([ENTRY]))

    (file,) = find_own(folder)

    sample = load_own(file)
    assert (sample.name, sample.level, sample.document_type) == ("card.jpg", "own", "KTP")
    assert sample.content == b"a picture"
    assert sample.truth == {"name": "SITI"}


def test_truths_are_read_from_csv_as_spreadsheets_write_it(folder: Path) -> None:
    table = "file,type,level,npwpNumber,name\ncard.jpg,NPWP,phone,0123456789012345,\n"
    (folder / "truth.csv").write_text(table, encoding="utf-8-sig")

    (file,) = find_own(folder)

    assert (file.document_type, file.level) == ("NPWP", "phone")
    assert file.truth == {"npwpNumber": "0123456789012345"}


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([ENTRY, ENTRY | {"file": "other.jpg"}], "entry 2.*`file`"),
        ([ENTRY | {"type": "SIM"}], "entry 1.*KTP or NPWP"),
        ([{"file": "card.jpg", "type": "KTP"}], "entry 1.*no field"),
        (["card.jpg"], "entry 1"),
        (ENTRY, "list"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_without_what_it_says(
    folder: Path, entries: object, complaint: str
) -> None:
    (folder / "truth.json").write_text(json.dumps(entries))

    with pytest.raises(TruthError, match=complaint) as caught:
        find_own(folder)

    assert "SITI" not in str(caught.value)


def test_a_folder_without_truths_says_what_is_missing(folder: Path) -> None:
    with pytest.raises(TruthError, match=r"truth\.json nor truth\.csv"):
        find_own(folder)


def test_truths_that_are_no_json_are_refused(folder: Path) -> None:
    (folder / "truth.json").write_text("{not json")

    with pytest.raises(TruthError, match="neither JSON nor CSV"):
        find_own(folder)
