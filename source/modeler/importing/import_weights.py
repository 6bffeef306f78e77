"""Gives a model the weights of a file by rules."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from source.config.errors import ConfigError
from source.config.settings import from_mapping
from source.modeler import _naming
from source.modeler.importing import arrays_file, rule
from source.modeler.importing.plan import Plan, make_plan
from source.modeler.importing.rule_set import RuleSet, load

_RANDOM_STATE = "seed_generator_state"


def import_weights(
    model: keras.Model,
    path: str | os.PathLike[str],
    rules: str | Mapping[str, Any],
    *,
    skip: Sequence[str] = (),
    may_miss: Sequence[str] = (),
    dry_run: bool = False,
) -> Plan:
    """Assigns to a model what a file has for it, all or nothing, and returns the mapping.

    Args:
        model: a built model; its weights are called as in its checkpoints, by layer and weight (`conv1/kernel`).
        path: a file that `read_arrays` reads.
        rules: the name of shipped rules, the path of a YAML file, or what stands in one.
        skip: weights whose name contains one of these stay as they are.
        may_miss: regular expressions of weights that may stay as they are, besides those that the rules allow.
        dry_run: assign nothing and return the mapping with its problems.

    Raises:
        CheckpointError: if the file cannot be read or the mapping has problems.
        UnknownNameError: if there are no such rules.
        ConfigError: if the rules cannot be, or the model is not what they expect.
    """
    found = load(rules) if isinstance(rules, str) else from_mapping(RuleSet, rules, "rules")
    check_layers(model, found.expect)
    plan = planned(weights_of(model), os.fspath(path), found, skip=skip, may_miss=may_miss)
    if not dry_run:
        plan.require_sound(os.fspath(path))
        assign(plan, weights_of(model))
    return plan


def weights_of(model: keras.Model) -> dict[str, keras.Variable]:
    """Returns the weights and statistics of a model by name, without the states of random generators.

    Keras lets the names in some sequential models begin with that of the model, which is left away here.

    Args:
        model: a built model.
    """
    names = _naming.model_names(model)
    names = {name: variable for name, variable in names.items() if variable.path.split("/")[-1] != _RANDOM_STATE}
    prefix = f"{model.name}/"
    whole = all(name.startswith(prefix) for name in names)
    return {name.removeprefix(prefix) if whole else name: variable for name, variable in names.items()}


def planned(
    weights: Mapping[str, keras.Variable],
    path: str,
    rules: RuleSet,
    *,
    skip: Sequence[str] = (),
    may_miss: Sequence[str] = (),
) -> Plan:
    """Returns what the rules make of a file for these weights.

    Args:
        weights: variables by name.
        path: a file that `read_arrays` reads.
        rules: the rules.
        skip: weights whose name contains one of these stay as they are.
        may_miss: regular expressions of weights that may stay as they are, besides those that the rules allow.

    Raises:
        CheckpointError: if the file cannot be read.
        ConfigError: if a rule cannot do what it says.
    """
    return make_plan(
        arrays_file.read_arrays(path),
        {name: tuple(variable.shape) for name, variable in weights.items()},
        rule.parse(rules.rules),
        skip=skip,
        may_miss=(*rules.may_miss, *may_miss),
    )


def assign(plan: Plan, weights: Mapping[str, keras.Variable]) -> None:
    """Carries a mapping out.

    Args:
        plan: one without problems.
        weights: variables by name.
    """
    for name, array in plan.arrays.items():
        weights[name].assign(array.astype(keras.backend.standardize_dtype(weights[name].dtype)))


def check_layers(model: keras.Model, expect: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses a model in which weights would fit and mean something else, such as with another epsilon.

    Args:
        model: a built model.
        expect: values of attributes by the class of the layers.

    Raises:
        ConfigError: naming the first layer that differs.
    """
    for layer in _naming.all_layers(model):
        for attribute, wanted in expect.get(type(layer).__name__, {}).items():
            value = getattr(layer, attribute, None)
            if value != wanted:
                raise ConfigError(
                    f"{layer.name}: these weights expect {attribute}={wanted}. Received: {attribute}={value}. "
                    "Build the network with it, or take `expect` out of the rules."
                )
