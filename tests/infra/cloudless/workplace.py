"""A checkout of the repository in which `make` runs with stand-ins for docker, aws and pulumi."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudless.deployment import DIGEST, ROOT
from infra_pulumi.environment import SECRETS

REPOSITORY = "123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/filot-ocr-gpu-worker"

#: Records its arguments and standard input, then answers by the longest known beginning of its arguments.
STUB = """#!{python} -SE
import json, os, sys
name = os.path.basename(sys.argv[0])
call = " ".join([name, *sys.argv[1:]])
given = "" if sys.stdin.isatty() else sys.stdin.read()
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([call, given, os.environ.get("FILOT_IMAGE_DIGEST")]) + "\\n")
answers, after = json.load(open(os.environ["ANSWERS"]))
past = [json.loads(line)[0] for line in open(os.environ["CALLS"])][:-1]
for event, changes in after.items():
    for start, (value, times) in changes.items():
        if sum(one.startswith(event) for one in past) >= times:
            answers = {{key: old for key, old in answers.items() if not key.startswith(start)}}
            answers[start] = (json.dumps(value), "", 0)
known = max((start for start in answers if call.startswith(start)), key=len, default=None)
if known:
    out, error, status = answers[known]
    sys.stdout.write(out)
    sys.stderr.write(error)
    sys.exit(status)
"""

SUBNETS = {
    "Subnets": [{"SubnetId": "subnet-11111111", "VpcId": "vpc-1", "MapPublicIpOnLaunch": False}],
}
NAT_ROUTE = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
NO_IMAGE = (
    "An error occurred (ImageNotFoundException) when calling the DescribeImages operation: none of this tag"
)


#: What the file of a stack says of its subnets.
SUBNETS_SETTING = "  filot:subnet-ids:\n    - subnet-11111111\n"


@dataclass
class Workplace:
    """A checkout with one commit, and stand-ins for the programs."""

    tree: Path
    bin: Path
    answers: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    #: Answers that change after a number of calls: by the call, then by the answer, its value and the number.
    after: dict[str, dict[str, tuple[Any, int]]] = field(default_factory=dict)

    def answer(self, call: str, value: Any = "", error: str = "", status: int = 0) -> None:
        """Let a program answer calls that begin so."""
        text = value if isinstance(value, str) else json.dumps(value)
        self.answers[call] = (text, error, status)

    @property
    def environment(self) -> dict[str, str]:
        (self.tree.parent / "answers").write_text(json.dumps([self.answers, self.after]))
        (self.tree.parent / "calls").touch()
        return {
            "ANSWERS": str(self.tree.parent / "answers"),
            "CALLS": str(self.tree.parent / "calls"),
            "HOME": os.environ["HOME"],
            "PATH": str(self.bin),
        }

    @property
    def records(self) -> list[tuple[str, str, str | None]]:
        """Calls, what each was given on standard input, and the digest in its environment."""
        lines = (self.tree.parent / "calls").read_text().splitlines()
        return [tuple(json.loads(line)) for line in lines]

    @property
    def calls(self) -> list[str]:
        return [call for call, _, _ in self.records]

    def called(self, start: str) -> list[str]:
        return [call for call in self.calls if call.startswith(start)]

    def make(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run make with the environment's own Python."""
        return subprocess.run(
            ["make", "--silent", f"INFRA_BIN={Path(sys.executable).parent}", *arguments],
            cwd=self.tree,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        argv = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments]
        return subprocess.run(argv, cwd=self.tree, check=True, capture_output=True, text=True).stdout.strip()


def healthy(place: Workplace) -> None:
    """An account after the first `make up`: secrets have values, subnets a NAT gateway, no image."""
    place.answer("pulumi stack output repository-url", REPOSITORY)
    place.answer("pulumi stack output --json", {"capacity": "managed"})
    store(place)
    place.answer("aws ec2 describe-subnets", SUBNETS)
    place.answer(
        "aws ec2 describe-route-tables",
        {"RouteTables": [{"Associations": [{"Main": True}], "Routes": [NAT_ROUTE]}]},
    )
    place.answer("aws ecr describe-images", error=NO_IMAGE, status=254)
    place.answer("aws ecr get-login-password", "invented")
    place.answer(
        "aws ecr describe-image-scan-findings",
        {"imageScanFindings": {"findingSeverityCounts": {"HIGH": 3}}},
    )
    place.answer("aws ecr batch-get-image", {"images": [{"imageManifest": "{}"}]})


def pushed(place: Workplace, tag: str, digest: str = DIGEST) -> None:
    """Let ECR have an image of this tag."""
    found = {"imageDetails": [{"imageDigest": digest}]}
    call = f"aws ecr describe-images --repository-name filot-ocr-gpu-worker --image-ids imageTag={tag}"
    place.answer(call, found)


def store(place: Workplace, without: Collection[str] = ()) -> None:
    """Let Secrets Manager have a current value of every secret but some."""
    place.answer("aws secretsmanager list-secrets", secret_list(without))


def secret_list(without: Collection[str] = ()) -> dict[str, Any]:
    """An answer of Secrets Manager about production's and staging's secrets."""
    names = [f"{prefix}filot/{secret.key}" for prefix in ("", "staging-") for secret in SECRETS]
    current, none = {"1": ["AWSCURRENT"]}, {"1": ["AWSPREVIOUS"]}
    return {
        "SecretList": [
            {"Name": name, "SecretVersionsToStages": none if name in without else current} for name in names
        ]
    }


def new_workplace(folder: Path) -> Workplace:
    """A checkout in a folder, with stand-ins for programs of an account after the first `make up`."""
    tree, programs = folder / "tree", folder / "bin"
    (tree / "requirements").mkdir(parents=True)
    (tree / "service").mkdir()
    (tree / "service" / "__init__.py").touch()
    for name in ("Makefile", "Dockerfile.gpu", ".dockerignore", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tree)
    for name in ("cpu", "dev", "gpu", "models", "infra"):
        (tree / "requirements" / f"{name}.lock").touch()
    for stack in ("production", "staging"):
        text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
        (tree / f"Pulumi.{stack}.yaml").write_text(text + SUBNETS_SETTING)
    (tree / ".venv-infra").mkdir()
    (tree / ".venv-infra" / ".installed").touch()
    (tree / "infra_pulumi").symlink_to(ROOT / "infra_pulumi")
    (tree / ".gitignore").write_text("/.venv-infra/\n/build/\n")
    programs.mkdir()
    for name in ("aws", "docker", "pulumi"):
        (programs / name).write_text(STUB.format(python=sys.executable))
        (programs / name).chmod(0o755)
    for name in ("basename", "env", "git", "grep", "make", "sh", "test"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    place = Workplace(tree, programs)
    place.git("init", "-q")
    place.git("add", "-A")
    place.git("commit", "-qm", "first")
    healthy(place)
    return place
