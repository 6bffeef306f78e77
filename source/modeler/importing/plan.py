"""What becomes of every array of a file and where every weight of a model comes from, before anything is assigned."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from source.config.errors import CheckpointError, ConfigError
from source.config.nearest import did_you_mean
from source.modeler.importing.rule import Entry, Rule

_SHOWN_PROBLEMS = 3
_SOUND = ("taken", "dropped", "skipped", "left as it is")
_HEADINGS = ("source", "shape", "rules", "target", "shape", "")

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One array of the file, or one weight of the model that has none.

    Attributes:
        source: the array's name in the file; empty for a weight without one.
        source_shape: its shape there; None without one.
        steps: what the rules did to it.
        shape: what they made of its shape.
        target: the weight's name; empty for an array that is dropped.
        target_shape: the weight's shape; None if the model has no such weight.
        state: "taken", "dropped", "skipped", "left as it is", or what is wrong.
    """

    source: str
    source_shape: Shape | None
    steps: str
    shape: Shape | None
    target: str
    target_shape: Shape | None
    state: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole mapping.

    Attributes:
        rows: the arrays of the file in their order, then the weights of the model that have none.
        arrays: the values for each weight that is taken.
        problems: what is wrong, one sentence each; empty if the mapping can be carried out.
    """

    rows: tuple[Row, ...]
    arrays: Mapping[str, np.ndarray]
    problems: tuple[str, ...]

    def of_state(self, state: str) -> list[Row]:
        """Returns the rows of a state.

        Args:
            state: such as "dropped".
        """
        return [row for row in self.rows if row.state == state]

    def to_text(self) -> str:
        """Returns the mapping as a table, one line an array, with a count of each state below."""
        cells = [_HEADINGS, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
        return "\n".join([*lines, "", self.counts()]) + "\n"

    def counts(self) -> str:
        """Returns how many rows are of each state, such as "97 taken, 2 dropped"."""
        states = [row.state for row in self.rows]
        return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))

    def require_sound(self, where: str) -> None:
        """Refuses a mapping that has problems.

        Args:
            where: the file and the rules, to begin the message with.

        Raises:
            CheckpointError: naming the first problems and the number of all.
        """
        if self.problems:
            more = len(self.problems) - _SHOWN_PROBLEMS
            rest = f" And {more} more." if more > 0 else ""
            raise CheckpointError(f"{where}: {' '.join(self.problems[:_SHOWN_PROBLEMS])}{rest}")


def make_plan(
    arrays: Mapping[str, np.ndarray],
    targets: Mapping[str, Shape],
    rules: Sequence[Rule],
    *,
    skip: Sequence[str] = (),
    may_miss: Sequence[str] = (),
) -> Plan:
    """Returns what the rules make of the arrays.

    A rule that finds nothing to do and is not optional, two arrays of one name, an array that is neither dropped nor a
    weight, another shape, numbers that are not finite and a weight without an array are problems.

    Args:
        arrays: of the file, in its order.
        targets: shapes of the model's weights by name, in its order.
        rules: in the order in which they are applied, each to all arrays.
        skip: weights whose name contains one of these stay as they are.
        may_miss: regular expressions of weights that may stay as they are if the file has nothing for them.

    Raises:
        ConfigError: if a rule cannot do what it says.
    """
    entries = [Entry(name, array.shape, name, array) for name, array in arrays.items()]
    problems = _applied(entries, rules)
    holders: dict[str, Entry] = {}
    rows = []
    for entry in entries:
        state = _state(entry, targets, holders, skip)
        rows.append(_row(entry, targets, state))
    taken = {name: entry.array for name, entry in holders.items() if not _is_among(name, skip)}
    rows += _missing_rows(targets, holders, skip, may_miss)
    problems += [_problem(row, targets) for row in rows if row.state not in _SOUND]
    return Plan(rows=tuple(rows), arrays=taken, problems=tuple(problems))


def _applied(entries: Sequence[Entry], rules: Sequence[Rule]) -> list[str]:
    problems = []
    for rule in rules:
        if not rule.apply([entry for entry in entries if entry.name is not None]) and not rule.optional:
            pattern = getattr(rule, "pattern", None)
            what = f" {pattern.pattern!r}" if pattern is not None and pattern.pattern else ""
            problems.append(f"{rule.where}{what} finds nothing to do; say `optional: true` if that is right.")
    return problems


def _state(entry: Entry, targets: Mapping[str, Shape], holders: dict[str, Entry], skip: Sequence[str]) -> str:
    """Returns what becomes of an array, and notes which holds a weight."""
    if entry.name is None:
        return "dropped"
    if entry.name in holders:
        return "collision"
    if entry.name not in targets:
        return "skipped" if _is_among(entry.name, skip) else "no such weight"
    holders[entry.name] = entry
    if _is_among(entry.name, skip):
        return "skipped"
    if entry.array.shape != targets[entry.name]:
        return "other shape"
    return "taken" if np.isfinite(entry.array).all() else "not finite"


def _row(entry: Entry, targets: Mapping[str, Shape], state: str) -> Row:
    return Row(
        source=entry.source,
        source_shape=entry.source_shape,
        steps=", ".join(entry.steps),
        shape=entry.array.shape,
        target=entry.name or "",
        target_shape=targets.get(entry.name or ""),
        state=state,
    )


def _missing_rows(
    targets: Mapping[str, Shape], holders: Iterable[str], skip: Sequence[str], may_miss: Sequence[str]
) -> list[Row]:
    try:
        allowed = [re.compile(pattern) for pattern in may_miss]
    except re.error as error:
        raise ConfigError(f"may_miss: expected regular expressions: {error}. Received: {may_miss}.") from None
    held = set(holders)
    rows = []
    for name, shape in targets.items():
        if name not in held:
            free = _is_among(name, skip) or any(pattern.search(name) for pattern in allowed)
            state = "left as it is" if free else "missing"
            row = Row(source="", source_shape=None, steps="", shape=None, target=name, target_shape=shape, state=state)
            rows.append(row)
    return rows


def _problem(row: Row, targets: Mapping[str, Shape]) -> str:
    if row.state == "missing":
        return f"`{row.target}` {row.target_shape} of the model has no source."
    if row.state == "collision":
        return f"`{row.source}` becomes `{row.target}`, and so does an array before it."
    if row.state == "no such weight":
        named = f"`{row.source}` becomes `{row.target}`, and" if row.target != row.source else f"`{row.source}`:"
        return f"{named} the model has no such weight. {did_you_mean(row.target, targets)}"
    if row.state == "not finite":
        return f"`{row.source}` has numbers that are not finite."
    return f"`{row.source}` {row.source_shape} becomes {row.shape}, and `{row.target}` is {row.target_shape}."


def _is_among(name: str, parts: Sequence[str]) -> bool:
    return any(part in name for part in parts)


def _cells(row: Row) -> tuple[str, ...]:
    shapes = [
        "" if shape is None else "x".join(map(str, shape)) or "-" for shape in (row.source_shape, row.target_shape)
    ]
    state = "" if row.state == "taken" else row.state
    return (row.source, shapes[0], row.steps, row.target, shapes[1], state)
