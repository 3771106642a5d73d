"""The worker's image: named by its inputs, built and pushed only when they changed."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from infra_pulumi.names import DEPLOYED_PREFIX
from infra_pulumi.release.programs import FailedProgramError, Refusal, available, output, run, say
from infra_pulumi.release.stack_file import StackFile

#: Name of the local image.
LOCAL = "filot-ocr-gpu-worker"

#: All that Dockerfile.gpu reads, and itself: a change to anything else makes no other image.
INPUTS = (
    ".dockerignore",
    "Dockerfile.gpu",
    "README.md",
    "pyproject.toml",
    "requirements/cpu.lock",
    "requirements/dev.lock",
    "requirements/gpu.lock",
    "requirements/models.lock",
    "requirements/system.sh",
    "service",
    "tools/__init__.py",
    "tools/models",
)

#: Software bill of materials that `make sbom` writes.
SBOM = Path("build/sbom.json")


class Image:
    """The image of the working tree for one stack."""

    def __init__(self, stack: StackFile) -> None:
        self._stack = stack
        self._repository = stack.names.worker

    @property
    def target(self) -> str:
        """Stage of Dockerfile.gpu: with CUDA's libraries or without."""
        return self._stack.config.compute

    @property
    def tag(self) -> str:
        """The variant and a hash of the image's inputs, with ``-dirty`` for uncommitted changes to them."""
        return f"{self.target}-{_inputs_hash()}{'-dirty' if _changed(*INPUTS) else ''}"

    def pushed(self) -> str | None:
        """Digest of this image in ECR; None if it was never pushed.

        Raises:
            FailedProgramError: AWS cannot be asked.
            Refusal: there is no repository yet.
        """
        return self._digest(self.tag)

    def _digest(self, tag: str) -> str | None:
        try:
            found = self._stack.aws.ask(
                *("ecr", "describe-images", "--repository-name", self._repository),
                *("--image-ids", f"imageTag={tag}"),
                unless=("ImageNotFoundException",),
            )
        except FailedProgramError as error:
            if "(RepositoryNotFoundException)" in error.stderr:
                raise Refusal(f"There is no repository {self._repository} yet: make up.") from error
            raise
        return str(found["imageDetails"][0]["imageDigest"]) if found else None

    def build(self) -> None:
        """Build for the machine that AWS has."""
        say(f"Building {LOCAL}:{self.tag} from Dockerfile.gpu.")
        run(
            *("docker", "build", "--platform", "linux/amd64", "--file", "Dockerfile.gpu"),
            *("--target", self.target, "--tag", f"{LOCAL}:{self.tag}", "."),
        )

    def push(self) -> None:
        """Push to ECR, then sign and attach the bill of materials where cosign is installed.

        Raises:
            Refusal: the image has uncommitted changes.
        """
        refuse_changes(*INPUTS)
        if self.pushed():
            say(f"ECR has {self.tag} already, and its tags are immutable: nothing to push.")
            return
        url = output("pulumi", "stack", "output", "repository-url", "--stack", self._stack.stack)
        say(f"Pushing {LOCAL}:{self.tag} to {url}.")
        password = output(*self._stack.aws.argv("ecr", "get-login-password", "--no-cli-pager"))
        registry = url.partition("/")[0]
        run("docker", "login", "--username", "AWS", "--password-stdin", registry, stdin=password)
        run("docker", "tag", f"{LOCAL}:{self.tag}", f"{url}:{self.tag}")
        run("docker", "push", f"{url}:{self.tag}")
        self._sign(url)

    def _sign(self, url: str) -> None:
        if not available("cosign"):
            say("cosign is not installed: the image is not signed.")
            return
        digest = self.pushed()
        run("cosign", "sign", "--yes", f"{url}@{digest}")
        if SBOM.exists():
            run(
                *("cosign", "attest", "--yes", "--type", "cyclonedx"),
                *("--predicate", str(SBOM), f"{url}@{digest}"),
            )
        else:
            say(f"{SBOM} does not exist (make sbom): no bill of materials is attached.")

    def check_scan(self, digest: str, *, allow_critical: bool) -> None:
        """Refuse an image with findings of severity critical.

        Parameters:
            allow_critical: do not ask, the operator has decided

        Raises:
            Refusal: there are such findings, or the image was not scanned.
        """
        if allow_critical:
            say("ALLOW_CRITICAL is set: ECR's scan is not asked.")
            return
        aws = self._stack.aws
        which = ("--repository-name", self._repository, "--image-id", f"imageDigest={digest}")
        try:
            output(*aws.argv("ecr", "wait", "image-scan-complete", *which))
            found = aws.ask("ecr", "describe-image-scan-findings", *which, unless=("ScanNotFoundException",))
        except FailedProgramError as error:
            raise Refusal(f"ECR's scan of {digest} cannot be read: {error}") from error
        critical = _critical(found)
        if critical:
            raise Refusal(
                f"ECR found {critical} vulnerabilities of severity critical in {digest}: rebuild on patched "
                "packages, or deploy with ALLOW_CRITICAL=1 after looking at them: aws ecr "
                f"describe-image-scan-findings {' '.join(which)}"
            )

    def mark_deployed(self, digest: str) -> None:
        """Tag an image so that its repository keeps it: see ``registry.lifecycle_policy``."""
        aws = self._stack.aws
        tag = f"{DEPLOYED_PREFIX}{digest.removeprefix('sha256:')[:12]}"
        if self._digest(tag):
            return
        image = aws.ask(
            *("ecr", "batch-get-image", "--repository-name", self._repository),
            *("--image-ids", f"imageDigest={digest}"),
        )
        if not image["images"]:
            raise Refusal(f"ECR has no image {digest}.")
        aws.ask(
            *("ecr", "put-image", "--repository-name", self._repository, "--image-tag", tag),
            *("--image-manifest", image["images"][0]["imageManifest"]),
            unless=("ImageAlreadyExistsException",),
        )


def refuse_changes(*paths: str) -> None:
    """Refuse uncommitted changes.

    Raises:
        Refusal: names the changed files.
    """
    if changed := _changed(*paths):
        raise Refusal(f"There are changes that are not committed; commit or stash them:\n{changed}")


def _changed(*paths: str) -> str:
    return output("git", "status", "--porcelain", "--", *paths)


def _inputs_hash() -> str:
    """A hash of names, modes and contents of the inputs, as git's index has them."""
    index = output("git", "ls-files", "--stage", "--", *INPUTS)
    return sha256(index.encode()).hexdigest()[:12]


def _critical(found: Any) -> int:
    if found is None:
        raise Refusal("ECR has not scanned this image; start it: aws ecr start-image-scan.")
    return int(found["imageScanFindings"].get("findingSeverityCounts", {}).get("CRITICAL", 0))
