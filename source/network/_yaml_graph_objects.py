"""Initializers, regularizers and activations of Keras by name: the public ones and no others."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean

Named = str | tuple[str, dict[str, Any]] | None

# Activations with settings, which Keras has as layers. ReLU and the ones like it are layers without settings too:
# what looks for them in a model finds them by their class.
_LAYERS: dict[str, Callable[..., keras.layers.Layer]] = {
    "relu": keras.layers.ReLU,
    "leaky_relu": keras.layers.LeakyReLU,
    "elu": keras.layers.ELU,
    "prelu": keras.layers.PReLU,
    "relu6": lambda **more: keras.layers.ReLU(max_value=6.0, **more),
}
_PLAIN = (str, int, float, bool, type(None))


def initializer(named: Named, path: str) -> keras.initializers.Initializer:
    """Returns an initializer.

    Args:
        named: its name, or name and settings.
        path: where it stands, to begin the messages with.

    Raises:
        ConfigError: for a name that Keras has no initializer of, or settings that it does not take.
    """
    return _made(named, _classes(keras.initializers, keras.initializers.Initializer), "an initializer", path)


def regularizer(named: Named, path: str) -> keras.regularizers.Regularizer | None:
    """Returns a regularizer; None for none.

    Args:
        named: its name, or name and settings.
        path: where it stands, to begin the messages with.

    Raises:
        ConfigError: for a name that Keras has no regularizer of, or settings that it does not take.
    """
    if named is None:
        return None
    return _made(named, _classes(keras.regularizers, keras.regularizers.Regularizer), "a regularizer", path)


def activation_layer(named: Named, path: str) -> Callable[..., keras.layers.Layer] | None:
    """Returns what makes the layer of an activation when it is given a name; None for none.

    Args:
        named: its name, or name and settings.
        path: where it stands, to begin the messages with.

    Raises:
        ConfigError: for a name that Keras has no activation of, or settings that it does not take.
    """
    name, settings = split(named) if named is not None else ("linear", {})
    if name == "linear":
        return None
    _check_plain(settings, path)
    if name in _LAYERS:
        return lambda **more: _called(_LAYERS[name], {**settings, **more}, settings, name, path)
    if name not in activation_names() or settings:
        known = [*_LAYERS, *activation_names()]
        if name in known:
            raise ConfigError(f"{path}: the activation `{name}` takes no settings. Received: {settings!r}.")
        raise ConfigError(f"{path}: `{name}` is not an activation of Keras. {did_you_mean(_last(name), known)}")
    return lambda **more: keras.layers.Activation(name, **more)


def activation_names() -> list[str]:
    """Returns the names of the activations of Keras that are functions of a tensor alone."""
    others = ("get", "serialize", "deserialize")
    functions = vars(keras.activations).items()
    return sorted(name for name, each in functions if inspect.isfunction(each) and name not in others)


def _made(named: Named, classes: dict[str, type], what: str, path: str) -> Any:
    name, settings = split(named)
    if not name:
        raise ConfigError(f"{path}: expected the name of {what}. Received: null.")
    if name not in classes:
        known = [each for each in classes if each == each.lower()]
        raise ConfigError(f"{path}: `{name}` is not {what} of Keras. {did_you_mean(_last(name), known)}")
    _check_plain(settings, path)
    return _called(classes[name], settings, settings, name, path)


def _called(make: Callable[..., Any], arguments: dict[str, Any], shown: dict[str, Any], name: str, path: str) -> Any:
    try:
        return make(**arguments)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: `{name}` does not take these settings: {reason} Received: {shown!r}.") from None


def _classes(module: Any, base: type) -> dict[str, type]:
    """Returns the public classes of a module by name, in capitals and with underscores."""
    found = {name: each for name, each in vars(module).items() if inspect.isclass(each) and issubclass(each, base)}
    public = {name: each for name, each in found.items() if each is not base and not name.startswith("_")}
    return {**public, **{_with_underscores(name): each for name, each in public.items()}}


def _with_underscores(name: str) -> str:
    """Returns `HeNormal` as `he_normal`, and `L1L2` as `l1l2`."""
    pairs = zip(f"A{name}", name, strict=False)
    return "".join(f"_{e.lower()}" if e.isupper() and p.islower() else e.lower() for p, e in pairs)


def split(named: Named) -> tuple[str, dict[str, Any]]:
    """Returns a name and settings, whichever way they are written.

    Args:
        named: a name, or name and settings.
    """
    return (named, {}) if isinstance(named, str) else named or ("", {})


def _last(name: str) -> str:
    """Returns what is likely to be meant by a dotted path."""
    return name.rpartition(".")[2].removesuffix("_initializer").removesuffix("_regularizer")


def _check_plain(settings: dict[str, Any], path: str) -> None:
    for name, value in settings.items():
        if not isinstance(value, _PLAIN):
            raise ConfigError(f"{path}.{name}: expected a number or a text. Received: {value!r}.")
