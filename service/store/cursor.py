"""Cursor that sends several statements in one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from psycopg2.extras import RealDictCursor

#: What is bound to the placeholders of a statement.
Values: TypeAlias = Sequence[Any] | Mapping[str, Any] | None


class Cursor(RealDictCursor):
    """Sends statements whose results nobody needs together with the next one.

    They travel as one simple query. PostgreSQL runs them in order and skips the rest after an error; psycopg2
    returns what the last one returns. Without a BEGIN among them, they are one transaction that ends with the
    query.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._before_each: list[bytes] = []
        self._ahead: list[bytes] = []

    def before_each(self, statement: str, values: Values = None) -> None:
        """Send a statement ahead of every `execute`."""
        self._before_each.append(self.mogrify(statement, values))
        self.later(statement, values)

    def later(self, statement: str, values: Values = None) -> None:
        """Send a statement ahead of the next `execute`, which raises its error, too."""
        self._ahead.append(self.mogrify(statement, values))

    # The parameters have the base class' names. Tracing wraps this method: it sees no values.
    def execute(self, query: Any, vars: Values = None) -> None:  # noqa: A002
        """Send a statement after those that wait for it, in one round trip."""
        statements = [*self._ahead, self.mogrify(query, vars)]
        self._ahead = self._before_each.copy()
        super().execute(b";\n".join(statements))
