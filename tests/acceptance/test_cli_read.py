"""`read`, on local files."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import PIL.Image
import PIL.ImageFilter
import pytest

from devstack.people import Person
from tests.acceptance.conftest import Runner
from tests.support.terminal import TIMEOUT, on_a_terminal
from tests.support.waiting import wait_until


def test_read_needs_no_server(run: Runner, ktp: bytes, person: Person, tmp_path: Path) -> None:
    card, overlay = tmp_path / "card.jpg", tmp_path / "read.png"
    card.write_bytes(ktp)

    human = run("read", str(card), "--type", "KTP", "--overlay", str(overlay))
    program = json.loads(run("read", str(card), "--type", "KTP", "--json").stdout)

    assert person.nik in human.stdout
    assert program["fields"]["nik"]["value"] == person.nik
    assert 0.9 < program["fields"]["nik"]["confidence"] <= 1
    assert program["decision"] == "auto_approve"
    assert overlay.read_bytes().startswith(b"\x89PNG")


def test_read_says_what_can_be_done_about_a_poor_picture(run: Runner, ktp: bytes, tmp_path: Path) -> None:
    card = tmp_path / "card.jpg"
    with PIL.Image.open(io.BytesIO(ktp)) as picture:
        picture.filter(PIL.ImageFilter.GaussianBlur(picture.width / 150)).save(card)

    human = run("read", str(card), "--type", "KTP")
    program = json.loads(run("read", str(card), "--type", "KTP", "--json").stdout)

    assert program["decision"] == "needs_review"
    assert "blurred" in program["reviewReasons"]
    assert "Foto buram; silakan foto ulang di tempat terang. / The photo is blurred" in human.stdout
    assert len(program["reviewAdvice"]) == len(program["reviewReasons"])


def test_read_of_a_file_without_an_end_stops_at_the_limit(run: Runner) -> None:
    ended = run("read", "/dev/zero", "--type", "KTP")

    assert ended.returncode == 1
    assert "file is too large" in ended.stderr


def test_the_type_of_a_card_may_be_typed_in_lower_case(run: Runner, ktp: bytes, tmp_path: Path) -> None:
    card = tmp_path / "card.jpg"
    card.write_bytes(ktp)

    read = json.loads(run("read", str(card), "--type", "ktp", "--json").stdout)

    assert read["documentType"] == "KTP"


def test_an_overlay_without_a_picture_suffix_is_refused_in_one_line(
    run: Runner, ktp: bytes, tmp_path: Path
) -> None:
    card = tmp_path / "card.jpg"
    card.write_bytes(ktp)

    ended = run("read", str(card), "--type", "KTP", "--overlay", str(tmp_path / "read.txt"))

    assert ended.returncode == 2
    assert ".png or .jpg" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_read_of_no_picture_says_what_to_do(run: Runner, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("hello")

    ended = run("read", str(letter), "--type", "KTP")

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"filot-ocr: {letter}: not_an_image: ")
    assert "JPEG, PNG" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_picture_that_shows_no_card_is_a_failure_without_a_type(
    run: Runner, ktp: bytes, tmp_path: Path
) -> None:
    card = tmp_path / "card.jpg"
    card.write_bytes(ktp)
    page = Path(__file__).parents[2] / "docs" / "pictures" / "status-page.png"

    alone, several = run("read", str(page)), run("read", str(page), str(card))
    first, _ = map(json.loads, run("read", str(page), str(card), "--json").stdout.splitlines())

    assert (alone.returncode, alone.stdout, several.returncode) == (1, "", 1)
    assert "status-page.png: no_card: no card recognised" in alone.stderr
    assert "1 read, 1 failed" in several.stdout
    assert first.keys() == {"file", "errorCode", "error"}
    assert first["errorCode"] == "no_card"


@pytest.fixture
def folder(tmp_path: Path, ktp: bytes, npwp: bytes) -> Path:
    """A folder with a KTP, an NPWP in a subfolder, a broken picture, and a file of another kind."""
    cards = tmp_path / "cards"
    (cards / "more").mkdir(parents=True)
    (cards / "a [1].jpg").write_bytes(ktp)
    (cards / "more" / "b.jpg").write_bytes(npwp)
    (cards / "broken.jpg").write_bytes(ktp[:2000])
    (cards / "notes.txt").write_text("no picture")
    return cards


def test_read_of_a_folder_prints_a_json_object_per_line_failures_too(
    run: Runner, folder: Path, person: Person
) -> None:
    ended = run("read", str(folder), "--json", "--overlay", str(folder.parent / "overlays"))

    ktp, broken, npwp = map(json.loads, ended.stdout.splitlines())
    assert ended.returncode == 1
    assert (ktp["file"], ktp["documentType"]) == (str(folder / "a [1].jpg"), "KTP")
    assert ktp["fields"]["nik"]["value"] == person.nik
    assert (npwp["file"], npwp["documentType"]) == (str(folder / "more" / "b.jpg"), "NPWP")
    assert npwp["decision"] == "auto_approve"
    assert broken["file"] == str(folder / "broken.jpg")
    assert broken["errorCode"] in {"truncated_image", "not_an_image"}
    assert "JPEG" in broken["error"] or "gambar" in broken["error"].lower()
    overlays = sorted(path.name for path in (folder.parent / "overlays").iterdir())
    assert overlays == ["a [1].png", "b.png"]


def test_read_of_a_folder_names_what_it_skips(run: Runner, folder: Path, tmp_path: Path) -> None:
    (folder / "empty.jpg").touch()
    letters = tmp_path / "letters"
    letters.mkdir()
    for number in range(22):
        (letters / f"letter-{number:02}.txt").write_text("hello")
    (folder / "broken.jpg").unlink()

    cards, program = run("read", str(folder)), run("read", str(folder), "--json")
    many = run("read", str(letters))

    said = "filot-ocr: 2 files skipped, they are empty or no picture or PDF: empty.jpg, notes.txt\n"
    assert (cards.stderr, program.stderr) == (said, said)
    assert (cards.returncode, program.returncode, len(program.stdout.splitlines())) == (0, 0, 2)
    assert many.returncode == 1
    assert "no file in this folder can be read" in many.stderr
    assert many.stderr.endswith(", letter-19.txt and 2 more\n")


def test_read_of_several_files_prints_a_table_or_csv(run: Runner, folder: Path, person: Person) -> None:
    files = [str(folder / "a [1].jpg"), str(folder / "*.txt")]

    table = run("read", *files)
    rows = list(csv.DictReader(io.StringIO(run("read", *files, "--csv").stdout)))

    assert table.returncode == 1
    assert re.search(rf"a \[1\]\.jpg +KTP +\d+ +auto_approve +{person.nik}", table.stdout)
    assert re.search(r"notes\.txt +failed\n +not_an_image: ", table.stdout)
    assert table.stdout.endswith("1 read, 1 failed\n")
    assert [(row["nik"], row["errorCode"]) for row in rows] == [(person.nik, ""), ("", "not_an_image")]


def test_read_takes_standard_input(run: Runner, ktp: bytes, environment: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "service", "read", "-", "--json"],
        env={**os.environ, **environment},
        input=ktp,
        capture_output=True,
        check=False,
    )

    (read,) = map(json.loads, ended.stdout.splitlines())
    assert ended.returncode == 0
    assert (read["file"], read["documentType"]) == ("-", "KTP")


def test_read_checks_its_output_path_before_it_begins(run: Runner, folder: Path, tmp_path: Path) -> None:
    card, file = str(folder / "a [1].jpg"), tmp_path / "file"
    file.write_text("in the way")

    no_folder = run("read", card, "--overlay", str(tmp_path / "none" / "read.png"))
    no_room = run("read", str(folder), "--overlay", str(file))
    one_picture = run("read", str(folder), "--overlay", str(tmp_path / "two.png"))
    nothing_to_open = run("read", card, "--open")

    for ended in (no_folder, no_room, one_picture, nothing_to_open):
        assert (ended.returncode, ended.stdout) == (2, "")
    assert "there is no folder" in no_folder.stderr
    assert "several overlays need a folder" in no_room.stderr
    assert "two.png: several overlays need a folder" in one_picture.stderr
    assert not (tmp_path / "two.png").exists()
    assert "--open needs --overlay" in nothing_to_open.stderr


def test_read_reads_what_is_there_and_counts_what_is_not_as_failed(
    run: Runner, folder: Path, tmp_path: Path
) -> None:
    missing, empty, card = str(tmp_path / "missing.jpg"), tmp_path / "empty", str(folder / "a [1].jpg")
    empty.mkdir()

    several = run("read", missing, str(empty), card, "--json")
    alone, nothing = run("read", missing), run("read", str(empty))

    first, second, third = map(json.loads, several.stdout.splitlines())
    assert first == {"file": missing, "errorCode": "file_unreadable", "error": "no such file"}
    assert (second["errorCode"], third["documentType"]) == ("file_unreadable", "KTP")
    assert [several.returncode, alone.returncode, nothing.returncode] == [1, 1, 1]
    assert alone.stderr == f"filot-ocr: {missing}: file_unreadable: no such file\n"
    assert nothing.stderr.endswith("empty: file_unreadable: no file in this folder can be read\n")


def test_without_a_viewer_read_says_where_the_overlay_is(run: Runner, folder: Path, tmp_path: Path) -> None:
    programs, overlay = tmp_path / "bin", tmp_path / "read.png"
    programs.mkdir()
    viewer = programs / "xdg-open"
    viewer.write_text("#!/bin/sh\necho noise; echo noise >&2; exit 3\n")
    viewer.chmod(0o755)

    ended = run(
        *("read", str(folder / "a [1].jpg"), "--overlay", str(overlay), "--open"),
        PATH=f"{programs}:{os.environ['PATH']}",
    )

    assert ended.returncode == 0
    assert "noise" not in ended.stdout + ended.stderr
    assert ended.stderr == f"filot-ocr: no program opens pictures here; the overlay is {overlay}\n"


def test_read_opens_the_overlay_when_asked(run: Runner, folder: Path, tmp_path: Path) -> None:
    programs, opened, overlay = tmp_path / "bin", tmp_path / "opened", tmp_path / "read.png"
    programs.mkdir()
    viewer = programs / "xdg-open"
    viewer.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new && mv {opened}.new {opened}\n')
    viewer.chmod(0o755)

    run(
        *("read", str(folder / "a [1].jpg"), "--overlay", str(overlay), "--open"),
        PATH=f"{programs}:{os.environ['PATH']}",
    )
    wait_until(opened.exists)

    assert opened.read_text() == str(overlay)
    assert overlay.read_bytes().startswith(b"\x89PNG")


def test_reading_many_files_shows_progress_on_the_terminal_alone(
    environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    with on_a_terminal(environment, "read", str(folder)) as (program, read_until):
        read_until(b"3/3")
        read_until(b"2 read, 1 failed")
        assert program.wait(TIMEOUT) == 1
