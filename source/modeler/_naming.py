"""Names of a model's and an optimizer's variables that are the same in every process.

Keras numbers layers without a name by a counter of the process (`conv2d_7`) and random states likewise. A
checkpoint must not know how many layers were made before, so here they are counted again within the model.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import keras

from source.layer.compressed import Compressed

_NUMBERED = re.compile(r"(.+?)(_\d+)?")


def all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yields the layers of a model in order; those of a nested model take its place.

    Args:
        model: a built model.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
        else:
            yield layer


def model_names(model: keras.Model) -> dict[str, keras.Variable]:
    """Returns all variables of a model by unique names, in the model's order.

    A name is the variable's path, with names that Keras made counted anew. Random states of dropout are
    called `seed_generator/seed_generator_state`. A name that occurs again ends in `#2`, `#3`, ...

    Args:
        model: a built model.
    """
    stems = {"seed_generator", *(_squeezed(type(layer).__name__) for layer in _with_nested(model))}
    renamed: dict[str, str] = {}
    counts: dict[str, int] = {}
    names = []
    for variable in model.variables:
        *owners, last = variable.path.split("/")
        for owner in owners:
            if owner not in renamed:
                renamed[owner] = _recounted(owner, stems, counts)
        names.append("/".join([*(renamed[owner] for owner in owners), last]))
    return dict(zip(unique(names), model.variables, strict=True))


def optimizer_names(
    variables: Sequence[keras.Variable], weights: Iterable[tuple[str, keras.Variable]]
) -> dict[str, keras.Variable]:
    """Returns the variables of an optimizer by unique names such as `iteration` or `conv1/kernel/momentum`.

    Args:
        variables: the optimizer's variables.
        weights: name and variable of each weight it was built on.
    """
    # Keras calls a state of `conv1/kernel` "<optimizer>/conv1_kernel_momentum": the longest that fits is its.
    flat = sorted(((w.path.replace("/", "_") + "_", name) for name, w in weights), key=lambda pair: -len(pair[0]))
    names = []
    for variable in variables:
        slot = variable.path.split("/", 1)[-1]
        owner = next(((prefix, name) for prefix, name in flat if slot.startswith(prefix)), None)
        names.append(f"{owner[1]}/{slot.removeprefix(owner[0])}" if owner else slot)
    return dict(zip(unique(names), variables, strict=True))


def unique(names: Iterable[str]) -> list[str]:
    """Returns the names with `#2`, `#3`, ... behind those that occurred before.

    Args:
        names: any names.
    """
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result


def _with_nested(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, Compressed):
            inside = layer.layer
            yield from (inside, *(part for part in vars(inside).values() if isinstance(part, keras.Layer)))
        else:
            inside = layer
        if isinstance(inside, keras.Model):
            yield from _with_nested(inside)


def _squeezed(name: str) -> str:
    return name.replace("_", "").lower()


def _recounted(owner: str, stems: set[str], counts: dict[str, int]) -> str:
    """Returns `conv2d` for the first layer that Keras named `conv2d_7`, `conv2d_1` for the next."""
    match = _NUMBERED.fullmatch(owner)
    stem = match.group(1) if match else owner
    if stem not in stems and _squeezed(stem) not in stems:
        return owner
    count = counts.get(stem, 0)
    counts[stem] = count + 1
    return f"{stem}_{count}" if count else stem
