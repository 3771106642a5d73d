"""Policy pack: each rule is a mandatory policy over the whole stack."""

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra_pulumi.rules import ALL
from infra_pulumi.rules.declared import Declared, Rule, Stack, demand_of, name_of


def serve() -> None:
    """Serve the policies to the Pulumi CLI until it ends this process."""
    PolicyPack(
        name="filot-ocr-gpu-worker",
        enforcement_level=EnforcementLevel.MANDATORY,
        policies=[_policy(rule) for rule in ALL],
    )


def _policy(rule: Rule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = Stack(
            [
                Declared(
                    resource.resource_type,
                    resource.name,
                    resource.props,
                    frozenset(resource.opts.ignore_changes),
                )
                for resource in args.resources
            ]
        )
        for breach in rule(stack):
            report(breach, None)

    return StackValidationPolicy(name=name_of(rule), description=demand_of(rule), validate=validate)
