"""From the name of an optimizer to the Keras object, with loss scaling where float16 needs it."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from source.config.errors import ConfigError, UnknownNameError
from source.config.nearest import did_you_mean

# Of `momentum`; from 0.9 to 0.999 in Sutskever et al., https://proceedings.mlr.press/v28/sutskever13.html.
MOMENTUM = 0.9
# What the modeler does itself, in one place for all optimizers, by the name of its setting.
_OURS = {
    "learning_rate": "learning_rate",
    "name": "optimizer",
    "global_clipnorm": "clip_norm",
    "use_ema": "ema_decay",
    "ema_momentum": "ema_decay",
    "ema_overwrite_frequency": "ema_decay",
    "gradient_accumulation_steps": "accumulation_steps",
    "loss_scale_factor": "precision",
}


def optimizer_classes() -> dict[str, type[keras.optimizers.Optimizer]]:
    """Returns the Keras class of every optimizer by the name that a configuration uses."""
    return {
        "adadelta": keras.optimizers.Adadelta,
        "adagrad": keras.optimizers.Adagrad,
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "ftrl": keras.optimizers.Ftrl,
        "lion": keras.optimizers.Lion,
        "momentum": keras.optimizers.SGD,
        "muon": keras.optimizers.Muon,
        "nadam": keras.optimizers.Nadam,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }


def create(name: str, options: Mapping[str, Any], learning_rate: Any, scale_loss: bool) -> keras.optimizers.Optimizer:
    """Returns the optimizer `name`.

    `momentum` is `sgd` with a momentum of 0.9. With `scale_loss` the optimizer is wrapped in a
    `keras.optimizers.LossScaleOptimizer`, which multiplies the loss by a power of two so that small gradients
    do not vanish in float16, divides the gradients by it, halves it and skips the step when they are not
    finite, and doubles it after 2,000 steps that were.

    Args:
        name: one of `optimizer_classes()`.
        options: arguments of the Keras class.
        learning_rate: a number or a Keras schedule.
        scale_loss: whether the network computes in float16.

    Raises:
        UnknownNameError: if there is no such optimizer.
        ConfigError: if the class has no such argument, refuses its value, or the modeler has a setting of its
            own for it.
    """
    classes = optimizer_classes()
    if name not in classes:
        raise UnknownNameError(f"optimizer: there is no optimizer `{name}`. {did_you_mean(name, classes)}")
    _check_options(name, classes[name], options)
    given = {**({"momentum": MOMENTUM} if name == "momentum" else {}), **options}
    try:
        optimizer = classes[name](learning_rate=learning_rate, name=name, **given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"optimizer_options: {name} refuses {dict(options)}: {error}") from error
    return keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale") if scale_loss else optimizer


def _check_options(name: str, optimizer_class: type, options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(optimizer_class).parameters
    known = [
        argument
        for argument, parameter in parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and argument not in _OURS
    ]
    for option, value in options.items():
        if option in _OURS:
            raise ConfigError(f"optimizer_options.{option}: set `{_OURS[option]}` of the modeler instead.")
        if option not in known:
            raise ConfigError(f"optimizer_options.{option}: {name} has no such argument. {did_you_mean(option, known)}")
        if isinstance(parameters[option].default, bool) and not isinstance(value, bool):
            raise ConfigError(f"optimizer_options.{option}: expected true or false. Received: {value!r}.")
