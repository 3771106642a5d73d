"""Values that are ready only when something else is: how one part waits for all of another."""

import pulumi


def after(value: pulumi.Output[str], *others: pulumi.Output[str]) -> pulumi.Output[str]:
    """``value``, depending also on the resources that ``others`` come from."""
    return pulumi.Output.all(value, *others).apply(lambda known: str(known[0]))
