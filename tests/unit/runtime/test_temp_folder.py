"""A worker's temporary files do not outlive it for long."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.runtime.temp_folder import PREFIX, TempFolder


def test_the_folder_is_private_and_goes_with_the_context(tmp_path: Path) -> None:
    with TempFolder(tmp_path) as folder:
        (folder.path / "picture.ppm").write_bytes(b"card")
        mode = folder.path.stat().st_mode & 0o777

    assert mode == 0o700
    assert list(tmp_path.iterdir()) == []


def test_emptying_removes_files_folders_and_links_but_not_what_a_link_names(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()

    with TempFolder(tmp_path) as folder:
        (folder.path / "picture.ppm").touch()
        (folder.path / "nested").mkdir()
        (folder.path / "nested" / "picture.ppm").touch()
        (folder.path / "link").symlink_to(kept)
        folder.empty()
        left = list(folder.path.iterdir())

    assert left == []
    assert (kept / "file").exists()


def test_the_folder_of_a_killed_worker_is_removed_by_the_next(tmp_path: Path) -> None:
    code = f"""
import os, pathlib
from service.runtime.temp_folder import TempFolder
folder = TempFolder(pathlib.Path({str(tmp_path)!r})).__enter__()
(folder.path / "picture.ppm").touch()
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    (abandoned,) = tmp_path.iterdir()

    with TempFolder(tmp_path) as folder:
        found = list(tmp_path.iterdir())

    assert abandoned != folder.path
    assert found == [folder.path]


def test_the_folder_of_a_living_worker_is_left_alone(tmp_path: Path) -> None:
    with TempFolder(tmp_path) as first, TempFolder(tmp_path) as second:
        both = set(tmp_path.iterdir())

    assert both == {first.path, second.path}


def test_a_link_with_such_a_name_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)

    with TempFolder(tmp_path):
        pass

    assert (elsewhere / "file").exists()


def test_a_place_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"), TempFolder(tmp_path / "missing"):
        pass
