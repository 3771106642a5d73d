"""What the stack must be like where no server checks it; the policy pack and the tests apply these."""

from infra_pulumi.rules import access, services, tasks, watching
from infra_pulumi.rules.declared import Rule

ALL: tuple[Rule, ...] = (*access.RULES, *services.RULES, *tasks.RULES, *watching.RULES)
