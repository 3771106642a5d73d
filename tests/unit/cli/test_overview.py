"""What `read` shows of several files."""

import pytest

from service.cli.overview import OverviewRow, overview, short_names

APPROVED = OverviewRow(
    "build/cards/npwp-09-photo.jpg", "NPWP", "100", "auto_approve", "95.427.374.4-599.000", "SITI RAHAYU"
)
DOUBTFUL = OverviewRow(
    *("build/cards/ktp-15-contradiction.jpg", "KTP", "74", "needs_review", "3578043107799157", "BUDI SLAMET"),
    remarks="nik_birth_date_mismatch, low_confidence_birth_place, low_confidence_marital_status, blurred",
)
FAILED = OverviewRow(
    "build/cards/notes.txt",
    decision="failed",
    remarks="not_an_image: Jenis berkas ini tidak dapat dibaca; silakan unggah foto sebagai JPEG atau PNG.",
)


def test_on_80_columns_nothing_is_cut_and_no_line_is_longer() -> None:
    lines = list(overview([APPROVED, DOUBTFUL, FAILED], 80))

    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["file", "type", "score", "decision", "number"]
    assert lines[1].split() == ["npwp-09-photo.jpg", "NPWP", "100", "auto_approve", "95.427.374.4-599.000"]
    assert lines[2] == "    SITI RAHAYU"
    assert lines[3].split() == ["ktp-15-contradiction.jpg", "KTP", "74", "needs_review", "3578043107799157"]
    assert lines[4] == "    BUDI SLAMET"
    assert lines[5].startswith("    nik_birth_date_mismatch, low_confidence_birth_place,")
    assert lines[7].split() == ["notes.txt", "failed"]
    assert lines[8].startswith("    not_an_image: Jenis berkas ini")
    assert len(lines) == 10


def test_where_there_is_room_the_name_stands_in_the_row() -> None:
    heading, row, doubtful, remarks = overview([APPROVED, DOUBTFUL], 110)

    assert heading.endswith("  name")
    assert row.endswith("  SITI RAHAYU")
    assert doubtful.endswith("  BUDI SLAMET")
    assert remarks.startswith("    nik_birth_date_mismatch")


def test_a_file_with_a_long_name_is_shown_whole() -> None:
    long = "x" * 100

    assert f"{long}.jpg" in "\n".join(overview([OverviewRow(f"a/{long}.jpg")], 80))


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        (["build/cards/a.jpg", "build/cards/more/b.jpg"], ["a.jpg", "more/b.jpg"]),
        (["a.jpg", "more/b.jpg"], ["a.jpg", "more/b.jpg"]),
        (["/x/a.jpg", "/y/b.jpg"], ["x/a.jpg", "y/b.jpg"]),
        (["/x/a.jpg", "b.jpg"], ["/x/a.jpg", "b.jpg"]),
        (["x/a.jpg", "-"], ["x/a.jpg", "-"]),
        ([], []),
    ],
)
def test_the_folder_that_all_files_are_in_is_left_out(files: list[str], shown: list[str]) -> None:
    assert short_names(files) == shown
