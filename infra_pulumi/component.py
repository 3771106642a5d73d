"""Base class of the stack's components."""

from collections.abc import Sequence

import pulumi

#: Resources that must be complete before another is created: resources, or components with all children.
DependsOn = Sequence[pulumi.Resource]


class Component(pulumi.ComponentResource):
    """A component whose children are named ``<component>-<role>``.

    Parameters:
        kind: last part of the component's type
        name: Pulumi name, the prefix of the children's names
    """

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"filot:infra:{kind}", name, None, opts)
        self._name = name

    def child_name(self, role: str) -> str:
        """Pulumi name of a child."""
        return f"{self._name}-{role}"

    def child(
        self,
        role: str,
        *,
        depends_on: DependsOn = (),
        protect: bool | None = None,
        ignore_changes: list[str] | None = None,
        moved_from: str | None = None,
        custom_timeouts: pulumi.CustomTimeouts | None = None,
    ) -> pulumi.ResourceOptions:
        """Options of a child.

        The aliases let a stack that was created before children were named after their parent keep its
        resources. ``moved_from``: URN type of the component that had the child before, ``Kind::name``.
        """
        aliases = [pulumi.Alias(name=role)]
        if moved_from is not None:
            kind, _, name = moved_from.partition("::")
            parent = f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::filot:infra:{kind}::{name}"
            aliases.append(pulumi.Alias(name=role, parent=parent))
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(depends_on),
            protect=protect,
            ignore_changes=ignore_changes,
            custom_timeouts=custom_timeouts,
            aliases=aliases,
        )

    def invoke_opts(self) -> pulumi.InvokeOutputOptions:
        """Options of a lookup with the component's provider."""
        return pulumi.InvokeOutputOptions(parent=self)
