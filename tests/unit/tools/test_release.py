"""A release: what stands in its way, what it changes, and that a step that fails leaves nothing behind."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.release import changed_files, difference, obstacles, release

CHANGELOG = """# Changelog

## Unreleased

### Added
- A thing.

## 0.1.0

### Added
- The worker.
"""

PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "thing"
version = "0.1.0"

[tool.hatch.build.targets.wheel]
packages = ["thing"]
"""

MAKEFILE = "sbom:\n\t@mkdir -p build && echo '{}' > build/sbom.json\n"


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that can be released."""
    files = {
        "CHANGELOG.md": CHANGELOG,
        "pyproject.toml": PROJECT,
        "Makefile": MAKEFILE,
        ".gitignore": "/build/\n/dist/\n",
        "thing/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "--quiet")
    for key, value in (("user.name", "Test"), ("user.email", "test@filot.example")):
        git(tmp_path, "config", key, value)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def test_nothing_stands_in_the_way_of_a_later_version(root: Path) -> None:
    assert list(obstacles(root, "0.2.0")) == []


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9", "two", "1.0"])
def test_a_version_that_is_not_later_is_refused(root: Path, version: str) -> None:
    assert [each.split()[0].rstrip(":") for each in obstacles(root, version)] == [version]


def test_without_a_version_the_command_to_type_is_shown(root: Path) -> None:
    (obstacle,) = obstacles(root, "")

    assert obstacle == "which version: say MAJOR.MINOR.PATCH, as in make release VERSION=1.2.3"


def test_a_tree_that_cannot_be_released_is_refused(root: Path) -> None:
    git(root, "tag", "v0.2.0")
    (root / "CHANGELOG.md").write_text(CHANGELOG.replace("### Added\n- A thing.\n\n", "", 1))

    assert [each.split(maxsplit=2)[:2] for each in obstacles(root, "0.2.0")] == [
        ["CHANGELOG.md", "has"],
        ["there", "are"],
        ["the", "tag"],
    ]


def test_a_dry_run_shows_the_changes_and_makes_none(root: Path) -> None:
    shown = "".join(difference(root, changed_files(root, "0.2.0", "2026-11-28")))

    assert '-version = "0.1.0"\n+version = "0.2.0"\n' in shown
    assert "+## 0.2.0 (2026-11-28)\n" in shown
    assert git(root, "status", "--porcelain") == ""


def test_a_release_is_a_version_a_changelog_a_wheel_an_sbom_and_a_tag(root: Path) -> None:
    release(root, "0.2.0", changed_files(root, "0.2.0", "2026-11-28"))

    (wheel,) = (root / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "thing-0.2.0.dist-info/METADATA" in archive.namelist()
    assert (root / "dist" / "filot-ocr-worker-0.2.0.cdx.json").read_text() == "{}\n"
    changelog = (root / "CHANGELOG.md").read_text()
    assert "## Unreleased\n\n## 0.2.0 (2026-11-28)\n\n### Added\n- A thing.\n" in changelog
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "describe").strip() == "v0.2.0"
    assert list(obstacles(root, "0.3.0")) == ["CHANGELOG.md has nothing below `Unreleased`"]


def test_a_step_that_fails_leaves_the_files_as_they_were(root: Path) -> None:
    (root / "Makefile").write_text("sbom:\n\t@false\n")
    git(root, "commit", "--quiet", "--all", "--message", "Break")

    with pytest.raises(subprocess.CalledProcessError):
        release(root, "0.2.0", changed_files(root, "0.2.0", "2026-11-28"))

    assert git(root, "status", "--porcelain") == ""
    assert git(root, "tag", "--list") == ""
