"""The worker's secrets. Their values come from elsewhere, or write-only out of encrypted configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.config import Adoption, secret_value
from infra_pulumi.environment import WorkerSecret
from infra_pulumi.ordering import after

#: Days in which a deleted secret can still be brought back.
RECOVERY_DAYS = 7


@dataclass(frozen=True, slots=True)
class SecretStoreArgs:
    """What the secret store needs to know."""

    secrets: Sequence[WorkerSecret]
    existing: Adoption
    #: A changed number tells AWS to take the configured values anew.
    version: int


class SecretStore(pulumi.ComponentResource):
    """One secret per sensitive variable; ``arns`` holds them by the variable's name."""

    def __init__(self, name: str, args: SecretStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:SecretStore", name, None, opts)
        arns = {secret.variable: self._secret(secret, args) for secret in args.secrets}
        self.arns: Mapping[str, pulumi.Output[str]] = arns
        self.register_outputs({"arns": arns})

    def _secret(self, secret: WorkerSecret, args: SecretStoreArgs) -> pulumi.Output[str]:
        if args.existing == "lookup":
            found = aws.secretsmanager.get_secret_output(
                name=secret.name, opts=pulumi.InvokeOutputOptions(parent=self)
            )
            return found.arn
        container = aws.secretsmanager.Secret(
            secret.key,
            name=secret.name,
            description=f"{secret.variable} of the OCR worker",
            recovery_window_in_days=RECOVERY_DAYS,
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(parent=self, protect=True), self._adopting(secret, args.existing)
            ),
        )
        value = secret_value(secret.key)
        if value is None:
            return container.arn
        filled = aws.secretsmanager.SecretVersion(
            secret.key,
            secret_id=container.arn,
            secret_string_wo=value,
            secret_string_wo_version=args.version,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return after(container.arn, filled.id)

    def _adopting(self, secret: WorkerSecret, existing: Adoption) -> pulumi.ResourceOptions:
        if existing != "import":
            return pulumi.ResourceOptions()
        # A secret's identity is its ARN, which ends in characters that AWS chose.
        found = aws.secretsmanager.get_secret(name=secret.name, opts=pulumi.InvokeOptions(parent=self))
        return adopting(existing, found.arn)
