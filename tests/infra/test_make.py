"""`make push` and its like, with docker, aws and pulumi replaced by programs that note their arguments."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cloudless.deployment import DIGEST, ROOT

#: Answers that the recipes wait for, by the first words of the command.
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $1 $2" in
  "pulumi stack output") echo 123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/filot-ocr-gpu-worker ;;
  "aws ecr describe-images") echo "$PUSHED" ;;
  "aws ecr get-login-password") echo invented ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout with one commit."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("Makefile", "Pulumi.production.yaml"):
        shutil.copy(ROOT / name, tree)
    # So that no environment has to be made: it is only the CLI's.
    installed = tree / ".venv-infra" / ".installed"
    (tree / "requirements").mkdir()
    (tree / "requirements" / "infra.lock").touch()
    installed.parent.mkdir()
    installed.touch()
    (tree / ".gitignore").write_text("/.venv-infra/\n")
    for command in ("init -q", "add -A", "-c user.name=x -c user.email=x@example.com commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=tree, check=True)
    return tree


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the stand-ins, and with nothing else that a recipe could mistake for them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("aws", "docker", "pulumi"):
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    for name in ("basename", "git", "make", "sed", "sh", "test"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def make(
    tree: Path, programs: Path, *arguments: str, pushed: str = "None"
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run make; returns also what was called. ``pushed``: what ECR has of this commit."""
    calls = tree.parent / "calls"
    calls.touch()
    done = subprocess.run(
        ["make", *arguments],
        cwd=tree,
        env={"PATH": str(programs), "CALLS": str(calls), "PUSHED": pushed, "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, calls.read_text().splitlines()


def commit_of(tree: Path) -> str:
    argv = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(argv, cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


def test_image_is_named_after_its_commit(checkout: Path, programs: Path) -> None:
    done, calls = make(checkout, programs, "build", "push")

    tag = commit_of(checkout)
    repository = f"123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/filot-ocr-gpu-worker:{tag}"
    assert done.returncode == 0, done.stderr
    assert (
        f"docker build --platform linux/amd64 --file Dockerfile.gpu --tag filot-ocr-gpu-worker:{tag} ."
        in calls
    )
    assert calls[-1] == f"docker push {repository}"
    assert any(
        call.startswith("docker login --username AWS --password-stdin 123456789012.") for call in calls
    )


def test_push_refuses_a_tree_with_changes(checkout: Path, programs: Path) -> None:
    (checkout / "Pulumi.production.yaml").write_text("config: {}\n")

    done, calls = make(checkout, programs, "push")

    assert done.returncode != 0
    assert "not committed" in done.stderr
    assert "Pulumi.production.yaml" in done.stderr
    assert not any(call.startswith("docker push") for call in calls)


def test_push_leaves_an_image_that_is_there_already(checkout: Path, programs: Path) -> None:
    done, calls = make(checkout, programs, "push", pushed=DIGEST)

    assert done.returncode == 0, done.stderr
    assert "already" in done.stdout
    assert not any(call.startswith("docker push") for call in calls)


def test_all_refuses_a_tree_with_changes_before_it_builds(checkout: Path, programs: Path) -> None:
    (checkout / "extra.py").touch()

    done, calls = make(checkout, programs, "all")

    assert done.returncode != 0
    assert "not committed" in done.stderr
    assert not any(call.startswith("docker") for call in calls)


def test_image_of_a_changed_tree_never_looks_like_a_commit(checkout: Path, programs: Path) -> None:
    (checkout / "extra.py").touch()

    _, calls = make(checkout, programs, "build")

    assert calls[-1].endswith(f":{commit_of(checkout)}-dirty .")


def test_deploy_takes_the_pushed_digest_through_the_policy_pack(checkout: Path, programs: Path) -> None:
    done, calls = make(checkout, programs, "deploy", pushed=DIGEST)

    assert done.returncode == 0, done.stderr
    assert DIGEST in done.stdout
    assert calls[-2:] == [
        f"pulumi config set --stack production filot:image-digest {DIGEST}",
        "pulumi up --stack production --policy-pack infra_pulumi/policy",
    ]
    asked = next(call for call in calls if call.startswith("aws ecr describe-images"))
    assert f"imageTag={commit_of(checkout)}" in asked


def test_deploy_goes_back_to_an_image_by_its_digest(checkout: Path, programs: Path) -> None:
    older = "sha256:" + "0" * 64

    _, calls = make(checkout, programs, "deploy", f"DIGEST={older}")

    assert f"pulumi config set --stack production filot:image-digest {older}" in calls


def test_deploy_says_when_nothing_was_pushed(checkout: Path, programs: Path) -> None:
    done, calls = make(checkout, programs, "deploy")

    assert done.returncode != 0
    assert "make build push" in done.stderr
    assert not any(call.startswith("pulumi") for call in calls)


@pytest.mark.parametrize(
    ("target", "program"),
    [
        ("build", "docker"),
        ("push", "aws"),
        ("deploy", "pulumi"),
        ("preview", "pulumi"),
        ("destroy", "pulumi"),
    ],
)
def test_missing_program_is_named_with_its_use(
    checkout: Path, programs: Path, target: str, program: str
) -> None:
    (programs / program).unlink()
    # Nobody waits for an environment to be made only to hear it.
    (checkout / ".venv-infra" / ".installed").unlink()

    done, _ = make(checkout, programs, target, f"DIGEST={DIGEST}")

    assert done.returncode != 0
    assert f"{program} was not found: it " in done.stderr


@pytest.mark.parametrize(
    ("target", "said"), [("preview", "nothing is changed"), ("destroy", "Deleting stack")]
)
def test_a_target_says_what_it_will_do(checkout: Path, programs: Path, target: str, said: str) -> None:
    done, calls = make(checkout, programs, target)

    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert calls[-1].startswith(f"pulumi {target} ")
