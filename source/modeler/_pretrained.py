"""Weights from elsewhere: what agrees in name and shape is taken, and a report says what was."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from source.config.errors import CheckpointError
from source.config.nearest import did_you_mean
from source.modeler import _layer_order, _weights_file
from source.modeler.importing import import_weights

_LISTED_NAMES = 4
_RANDOM_STATE = "seed_generator_state"

Keys = dict[str, str]
Arrays = Mapping[str, np.ndarray]
Reading = tuple[Keys, Arrays, bool]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainedReport:
    """What a restore did. `str` gives one line for each group that is not empty.

    Attributes:
        path: the file.
        loaded: variables of the model that were taken from the file.
        missing: variables that the file does not have.
        mismatched: variables that have another shape there.
        skipped: variables that were to stay as they are.
        unused: arrays of the file that no variable asked for.
        by_order: whether layers were matched by their order, because their names did not agree.
    """

    path: str
    loaded: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    by_order: bool = False

    def __str__(self) -> str:
        groups = ("loaded", "missing", "mismatched", "skipped", "unused")
        lines = [_line(name, getattr(self, name)) for name in groups if getattr(self, name)]
        how = ", matched by the order of layers" if self.by_order else ""
        return "\n".join([f"Pretrained weights from {self.path}{how}", *lines])


def restore(variables: Mapping[str, keras.Variable], path: str, skip: Sequence[str]) -> PretrainedReport:
    """Assigns to the variables what a file has for them, and returns what it did.

    Args:
        variables: all variables of the model by name.
        path: an `.npz`, `.keras` or `.h5` file.
        skip: variables whose name or path contains one of these stay as they are.

    Raises:
        CheckpointError: if the file cannot be read, or nothing in it fits.
    """
    wanted = {name: v for name, v in variables.items() if v.path.split("/")[-1] != _RANDOM_STATE}
    keys, arrays, by_order = _best_keys(wanted, _weights_file.read(path))
    groups: dict[str, list[str]] = {"loaded": [], "missing": [], "mismatched": [], "skipped": []}
    for name, variable in wanted.items():
        group = _group(name, variable, arrays.get(keys[name]), skip)
        groups[group].append(_with_shapes(name, variable, arrays[keys[name]]) if group == "mismatched" else name)
        if group == "loaded":
            variable.assign(arrays[keys[name]])
    if not groups["loaded"]:
        raise CheckpointError(_nothing_fits(path, groups, arrays))
    asked = set(keys.values())
    unused = tuple(key for key in arrays if key not in asked and not key.split("/")[-1].startswith(_RANDOM_STATE))
    named = {group: tuple(names) for group, names in groups.items()}
    return PretrainedReport(path=path, unused=unused, by_order=by_order, **named)


def restore_by_rules(model: keras.Model, path: str, skip: Sequence[str], rules: str) -> PretrainedReport:
    """Assigns to a model what a file has for it by rules, all or nothing, and returns what it did.

    Args:
        model: a built model.
        path: a file of weights.
        skip: weights whose name contains one of these stay as they are.
        rules: name of shipped rules, or a file of rules.

    Raises:
        CheckpointError: if the file cannot be read, or the rules leave anything open.
        UnknownNameError: if there are no such rules.
        ConfigError: if the rules cannot be, or the model is not what they expect.
    """
    plan = import_weights.import_weights(model, path, rules, skip=skip)
    free = [row.target for row in plan.of_state("left as it is")]
    skipped = [name for name in free if any(part in name for part in skip)]
    return PretrainedReport(
        path=f"{path} by the rules {rules}",
        loaded=tuple(plan.arrays),
        missing=tuple(name for name in free if name not in skipped),
        skipped=(*(row.target for row in plan.of_state("skipped")), *skipped),
        unused=tuple(row.source for row in plan.of_state("dropped")),
    )


def _group(name: str, variable: keras.Variable, array: np.ndarray | None, skip: Sequence[str]) -> str:
    if any(part in name or part in variable.path for part in skip):
        return "skipped"
    if array is None:
        return "missing"
    return "loaded" if tuple(variable.shape) == array.shape else "mismatched"


def _best_keys(wanted: Mapping[str, keras.Variable], weights: _weights_file.Weights) -> Reading:
    """Returns what the file calls each variable, its arrays, and whether this is by order.

    It is the reading under which most of them fit. A file from elsewhere may have Keras' own numbers in the names
    of layers (`conv2d_7`) or not, may lack the names of nested models, and may call its layers otherwise; their
    order decides only where it fits more of them than their names do.
    """
    paths = {name: variable.path for name, variable in wanted.items()}
    names = {name: name for name in wanted}
    readings: list[Reading] = [
        (_numbered(keys) if weights.numbered else keys, weights.arrays, False)
        for keys in ((names,) if weights.ours else (paths, names))
    ]
    if weights.numbered:
        readings += [
            ({name: _tail(key) for name, key in keys.items()}, _by_tail(weights.arrays), False)
            for keys, _, _ in readings
        ]
    by_order = _layer_order.keys_by_order(wanted, weights.arrays) if weights.ordered else None
    readings += [] if by_order is None else [(by_order, weights.arrays, True)]

    def fitting(reading: Reading) -> int:
        keys, arrays, _ = reading
        found = ((variable, arrays.get(keys[name])) for name, variable in wanted.items())
        return sum(array is not None and array.shape == tuple(variable.shape) for variable, array in found)

    return max(readings, key=fitting)


def _numbered(keys: Keys) -> Keys:
    """Returns keys such as `block/conv1/1` for `block/conv1/bias`, the second variable of its layer."""
    counts: dict[str, int] = {}
    numbered = {}
    for name, key in keys.items():
        owner = key.rpartition("/")[0]
        numbered[name] = f"{owner}/{counts.get(owner, 0)}"
        counts[owner] = counts.get(owner, 0) + 1
    return numbered


def _tail(key: str) -> str:
    return "/".join(key.split("/")[-2:])


def _by_tail(arrays: Arrays) -> Arrays:
    """Returns the arrays by layer and number alone, without those for which that is ambiguous."""
    tails = [_tail(key) for key in arrays]
    return {tail: array for tail, array in zip(tails, arrays.values(), strict=True) if tails.count(tail) == 1}


def _with_shapes(name: str, variable: keras.Variable, array: np.ndarray) -> str:
    return f"{name} {tuple(variable.shape)} (there {array.shape})"


def _line(group: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED_NAMES} more" if len(names) > _LISTED_NAMES else ""
    return f"  {group:<10} {len(names):>4}: " + ", ".join(names[:_LISTED_NAMES]) + more


def _nothing_fits(path: str, groups: Mapping[str, list[str]], arrays: Arrays) -> str:
    beginning = f"pretrained_model: nothing in {path} fits this model"
    if groups["mismatched"]:
        return f"{beginning}: `{groups['mismatched'][0]}` has another shape."
    if groups["missing"]:
        first = groups["missing"][0]
        return f"{beginning}: there is no `{first}`. {did_you_mean(first, arrays)}"
    return f"{beginning}: skip_pretrained_var leaves nothing to load."
