"""Examples that cannot be used: stop at the first, or skip and keep count."""

from typing import Literal, NamedTuple

from source.config.errors import DataError


class BadExample(NamedTuple):
    """One example that cannot be used.

    Attributes:
        file: the file that lists or holds it.
        row: its line, record or place in that file, counted from 1; None when the file is the example.
        reason: what is wrong, and what was expected.
        unit: what `row` counts: "row", "record" or "example".
    """

    file: str
    row: int | None
    reason: str
    unit: str = "row"

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}, {self.unit} {self.row}"
        return f"{place}: {self.reason}"


class Faults:
    """What happens when an example cannot be used.

    Attributes:
        policy: "stop" raises at the first, "skip" goes on without it.
        found: those skipped, in the order found.
    """

    def __init__(self, policy: Literal["stop", "skip"]) -> None:
        self.policy = policy
        self.found: list[BadExample] = []

    def add(self, bad: BadExample) -> None:
        """Takes note of a bad example.

        Args:
            bad: the example and what is wrong with it.

        Raises:
            DataError: if the policy is "stop".
        """
        if self.policy == "stop":
            raise DataError(f'{bad}. on_bad_example="skip" goes on without such examples.')
        self.found.append(bad)
