"""`python -m tools.release VERSION`: say what a release would change; with ``--apply``, make it.

A release is the version in `pyproject.toml`, a section of `CHANGELOG.md`, a wheel and an SBOM in `dist`, a
commit and a tag. Nothing is pushed.
"""

import argparse
import difflib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]

UNRELEASED = "## Unreleased\n"


def main() -> int:
    """Check, then show or make the release; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("version", help="MAJOR.MINOR.PATCH")
    parser.add_argument("--apply", action="store_true", help="make the release, not only say what it changes")
    arguments = parser.parse_args()
    complaints = list(obstacles(ROOT, arguments.version))
    if complaints:
        sys.stderr.write("".join(f"no release: {each}\n" for each in complaints))
        return 1
    changes = changed_files(ROOT, arguments.version, f"{datetime.now(UTC):%Y-%m-%d}")
    if not arguments.apply:
        print("".join(difference(ROOT, changes)))
        print(
            f"Nothing was changed. make release VERSION={arguments.version} APPLY=1 writes this, builds the"
        )
        print(f"wheel and the SBOM into dist/, commits, and sets the tag v{arguments.version}.")
        return 0
    release(ROOT, arguments.version, changes)
    print(f"dist/ holds the wheel and the SBOM. To publish: git push origin HEAD v{arguments.version}")
    return 0


def obstacles(root: Path, version: str) -> Iterator[str]:
    """Yield what keeps this version from being released, one sentence each."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"{version or 'which version'}: say MAJOR.MINOR.PATCH, as in make release VERSION=1.2.3"
        return
    current = _version((root / "pyproject.toml").read_text())
    if _numbers(version) <= _numbers(current):
        yield f"{version} must be later than {current}, which pyproject.toml names"
    if not _unreleased((root / "CHANGELOG.md").read_text()).strip():
        yield "CHANGELOG.md has nothing below `Unreleased`"
    if _git(root, "status", "--porcelain").strip():
        yield "there are uncommitted changes: commit or stash them"
    if _git(root, "tag", "--list", f"v{version}").strip():
        yield f"the tag v{version} exists"


def changed_files(root: Path, version: str, date: str) -> dict[Path, str]:
    """Return the new content of each file that a release changes."""
    project, changelog = root / "pyproject.toml", root / "CHANGELOG.md"
    text = project.read_text()
    return {
        project: text.replace(f'version = "{_version(text)}"', f'version = "{version}"', 1),
        changelog: changelog.read_text().replace(UNRELEASED, f"{UNRELEASED}\n## {version} ({date})\n", 1),
    }


def difference(root: Path, changes: dict[Path, str]) -> Iterator[str]:
    """Yield the lines of a unified diff."""
    for path, text in changes.items():
        name = str(path.relative_to(root))
        before, after = path.read_text().splitlines(keepends=True), text.splitlines(keepends=True)
        yield from difflib.unified_diff(before, after, name, name, n=2)


def release(root: Path, version: str, changes: dict[Path, str]) -> None:
    """Write the changes, build the wheel and the SBOM, then commit and tag.

    Raises:
        subprocess.CalledProcessError: a step failed; nothing was committed, and the files are as before.
    """
    before = {path: path.read_text() for path in changes}
    for path, text in changes.items():
        path.write_text(text)
    try:
        (root / "dist").mkdir(exist_ok=True)
        _run(root, sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", "dist")
        _run(root, "make", "sbom")
        shutil.copy(root / "build" / "sbom.json", root / "dist" / f"filot-ocr-worker-{version}.cdx.json")
        _run(root, "git", "commit", "--quiet", "--message", f"Release {version}", "--", *map(str, changes))
    except subprocess.CalledProcessError:
        for path, text in before.items():
            path.write_text(text)
        raise
    _run(root, "git", "tag", "--annotate", f"v{version}", "--message", f"Version {version}")


def _version(project: str) -> str:
    found = re.search(r'^version = "([\d.]+)"$', project, re.MULTILINE)
    if found is None:
        raise ValueError("pyproject.toml names no version")
    return found[1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _unreleased(changelog: str) -> str:
    return changelog.partition(UNRELEASED)[2].partition("\n## ")[0]


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def _run(root: Path, *command: str) -> None:
    subprocess.run(command, cwd=root, check=True)


if __name__ == "__main__":
    sys.exit(main())
