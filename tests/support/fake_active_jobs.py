"""The jobs of a process without a queue behind them."""

from service.queue.active_jobs import ActiveJobs


class FakeActiveJobs(ActiveJobs):
    """Notes what it is told; holds the tokens that a test gives it."""

    def __init__(self) -> None:
        # No queue: nothing here reaches it.
        super().__init__(None, limit=2)  # type: ignore[arg-type]
        self.held: list[str] = []
        self.given_back = 0

    def tokens(self) -> list[str]:
        """The tokens that the test put there."""
        return self.held

    def age(self, token: str) -> float:
        """Every job was fetched two seconds ago."""
        return 2.0

    def give_back(self) -> None:
        """Count the calls."""
        self.given_back += 1
