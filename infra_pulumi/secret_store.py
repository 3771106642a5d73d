"""The worker's secrets in Secrets Manager.

Values are best set out of band (``make secrets``): they then never pass through Pulumi. A value in the
stack's configuration is passed on as a write-only argument, which the provider does not read back; the
engine still records it among the resource's inputs, encrypted with the stack's key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.component import Component
from infra_pulumi.config import Adoption
from infra_pulumi.environment import WorkerSecret
from infra_pulumi.names import Names
from infra_pulumi.stack_config import secret_value

#: Days in which a deleted secret can be restored.
RECOVERY_DAYS = 7


@dataclass(frozen=True, slots=True)
class SecretStoreArgs:
    """Arguments of ``SecretStore``."""

    names: Names
    secrets: Sequence[WorkerSecret]
    existing: Adoption
    #: A changed number makes AWS take the configured values again.
    version: int


class SecretStore(Component):
    """One secret per sensitive variable; ``arns`` holds their ARNs by variable."""

    def __init__(self, name: str, args: SecretStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("SecretStore", name, opts)
        arns = {secret.variable: self._secret(secret, args) for secret in args.secrets}
        self.arns: Mapping[str, pulumi.Output[str]] = arns
        self.register_outputs({"arns": arns})

    def _secret(self, secret: WorkerSecret, args: SecretStoreArgs) -> pulumi.Output[str]:
        full_name = args.names.secret(secret.key)
        if args.existing == "lookup":
            return aws.secretsmanager.get_secret_output(name=full_name, opts=self.invoke_opts()).arn
        container = aws.secretsmanager.Secret(
            self.child_name(secret.key),
            name=full_name,
            description=f"{secret.variable} of the OCR worker",
            recovery_window_in_days=RECOVERY_DAYS,
            opts=pulumi.ResourceOptions.merge(
                self.child(secret.key, protect=True), self._adopting(full_name, args.existing)
            ),
        )
        value = secret_value(secret.key)
        if value is not None:
            aws.secretsmanager.SecretVersion(
                self.child_name(f"{secret.key}-value"),
                secret_id=container.arn,
                secret_string_wo=value,
                secret_string_wo_version=args.version,
                opts=self.child(secret.key),
            )
        return container.arn

    def _adopting(self, full_name: str, existing: Adoption) -> pulumi.ResourceOptions:
        if existing != "import":
            return pulumi.ResourceOptions()
        # A secret is imported by its ARN, which ends in random characters.
        found = aws.secretsmanager.get_secret(name=full_name, opts=pulumi.InvokeOptions(parent=self))
        return adopting(existing, found.arn)
