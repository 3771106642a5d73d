"""Updates of the stack through Pulumi, always with the policy pack."""

from collections.abc import Sequence

from infra_pulumi.release import preflight, secrets
from infra_pulumi.release.image import Image, refuse_changes
from infra_pulumi.release.programs import FailedProgramError, Refusal, run, say
from infra_pulumi.release.stack_file import StackFile
from infra_pulumi.stack_environment import DIGEST_VARIABLE

_POLICY = ("--policy-pack", "infra_pulumi/policy")

#: Every file but the stacks' own, which record what was deployed.
_TREE = (".", ":!Pulumi.*.yaml")


class Update:
    """Commands on one stack.

    Parameters:
        flags: further options of Pulumi, such as ``--yes``
    """

    def __init__(self, stack: StackFile, flags: Sequence[str]) -> None:
        self._stack, self._flags = stack, tuple(flags)

    def _pulumi(self, *argv: str, **env: str) -> None:
        run("pulumi", argv[0], "--stack", self._stack.stack, *argv[1:], *self._flags, env=env)

    def _check(self) -> None:
        preflight.refuse_unreachable_subnets(self._stack)
        preflight.refuse_capacity_change(self._stack, preflight.stack_outputs(self._stack))

    def up(self) -> None:
        """Bring AWS in line with the configuration; the image stays as it is."""
        self._check()
        if self._stack.config.image_digest:
            secrets.refuse_missing(self._stack)
        self._pulumi("up", *_POLICY)

    def preview(self) -> None:
        """Show what an update would change."""
        say(f"Comparing stack {self._stack.stack} with this tree; nothing is changed.")
        self._pulumi("preview", "--diff", *_POLICY)

    def drift(self) -> None:
        """Compare the state with AWS.

        Raises:
            Refusal: something was changed by other means.
        """
        say(f"Comparing stack {self._stack.stack} with AWS; nothing is changed.")
        try:
            self._pulumi("preview", "--refresh", "--diff", "--expect-no-changes", *_POLICY)
        except FailedProgramError as error:
            raise Refusal("AWS differs from the program, or could not be asked: see above.") from error

    def deploy(self, digest: str | None, *, allow_critical: bool) -> None:
        """Deploy a pushed image; the stack's file records it once it runs.

        Parameters:
            digest: None: the image of this tree
        """
        image = Image(self._stack)
        secrets.refuse_missing(self._stack)
        chosen = digest or image.pushed()
        if chosen is None:
            raise Refusal(f"ECR has no image {image.tag}: make build push, or give DIGEST=sha256:...")
        if not chosen.startswith("sha256:"):
            raise Refusal(f"{chosen!r} is not a digest: DIGEST=sha256:...")
        self._check()
        image.check_scan(chosen, allow_critical=allow_critical)
        image.mark_deployed(chosen)
        say(f"Deploying {chosen} to stack {self._stack.stack}.")
        self._pulumi("up", *_POLICY, **{DIGEST_VARIABLE: chosen})
        if chosen != self._stack.config.image_digest:
            run("pulumi", "config", "set", "--stack", self._stack.stack, "filot:image-digest", chosen)
            say(f"Commit Pulumi.{self._stack.stack}.yaml: it records what runs.")

    def release(self, *, allow_critical: bool) -> None:
        """Build and push the image of this tree unless ECR has it, then deploy it."""
        refuse_changes(*_TREE)
        secrets.refuse_missing(self._stack)
        self._check()
        image = Image(self._stack)
        if image.pushed():
            say(f"ECR has {image.tag}: the image has not changed.")
        else:
            image.build()
            image.push()
        self.deploy(None, allow_critical=allow_critical)

    def destroy(self) -> None:
        """Delete what the stack made."""
        say(
            f"Deleting stack {self._stack.stack}. The registry and the secrets are protected: "
            "docs/infrastructure.md says how."
        )
        self._pulumi("destroy")
