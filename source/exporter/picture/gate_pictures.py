"""Which channels the gates of a model let through: a heat map of classes and channels for each gate."""

import dataclasses
import fnmatch
from collections.abc import Sequence

import keras
import numpy as np

from source.config.errors import DataError
from source.config.nearest import did_you_mean
from source.exporter.picture.pictures import Pictures
from source.graph.wiring import Wiring
from source.layer.channel_gate import ChannelGate, winners


@dataclasses.dataclass(frozen=True)
class Gate:
    """What a gate does with the examples of each class.

    Attributes:
        name: of the gate.
        classes: index of the class of each row.
        saliency: mean over the examples of a class, (classes, channels).
        active: share of the examples of a class that a channel is let through for, (classes, channels).
    """

    name: str
    classes: tuple[int, ...]
    saliency: np.ndarray
    active: np.ndarray


def read_gates(model: keras.Model, inputs: Sequence[np.ndarray], labels: np.ndarray | None) -> list[Gate]:
    """Returns what each gate of a model does.

    Args:
        model: prepared with `feature_boosting`, or finished.
        inputs: one array for each input of the model.
        labels: index of the class of each example; None takes them all as one class.

    Raises:
        DataError: for a model without gates, and for labels that are not those of the inputs.
    """
    gates = [layer for layer in model.layers if isinstance(layer, ChannelGate) or _is_plain_gate(layer)]
    if not gates:
        raise DataError("there are no gates in the model. Expected one that `feature_boosting` prepared or finished.")
    classes = np.zeros(len(inputs[0]), np.int64) if labels is None else np.asarray(labels).astype(np.int64).reshape(-1)
    if len(classes) != len(inputs[0]):
        raise DataError(f"labels: expected one for each of {len(inputs[0])} inputs. Received: {len(classes)}.")
    present = np.unique(classes)
    wiring = Wiring(model)
    outputs = []
    for gate in gates:  # called anew: a model within a model does not say what goes into and out of it
        u, saliency = (each.output for each in wiring.producers(gate.name))
        outputs += [saliency, gate([u, saliency]) if isinstance(gate, keras.Model) else gate.output]
    given = inputs[0] if len(inputs) == 1 else list(inputs)
    found = [np.asarray(each) for each in keras.Model(model.inputs, outputs).predict(given, verbose=0)]
    read = []
    for place, gate in enumerate(gates):
        saliency = found[2 * place]
        active = _active(gate, saliency, found[2 * place + 1])
        rows = [classes == each for each in present]
        means = [np.stack([values[row].mean(axis=0) for row in rows]) for values in (saliency, active)]
        read.append(Gate(gate.name, tuple(map(int, present)), means[0], means[1]))
    return read


def chosen_gates(gates: Sequence[Gate], patterns: Sequence[str]) -> list[Gate]:
    """Returns the gates whose name a pattern fits.

    Args:
        gates: to choose from.
        patterns: such as `conv*`; none chooses all.

    Raises:
        DataError: for a pattern that fits none; the nearest names are offered.
    """
    names = [gate.name for gate in gates]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise DataError(f"no gate fits `{pattern}`. {did_you_mean(pattern, names)}")
    return [gate for gate in gates if not patterns or any(fnmatch.fnmatchcase(gate.name, each) for each in patterns)]


def draw_gate(gate: Gate, pictures: Pictures) -> None:
    """Writes two heat maps: mean saliency, and how often a channel is let through, the most often ones first.

    Args:
        gate: what it does.
        pictures: where to.
    """
    order = np.argsort(-gate.active.mean(axis=0), kind="stable")
    figure = pictures.figure(7.2, 1.6 + 0.32 * len(gate.active) * 2)
    upper, lower = figure.subplots(2, 1)
    maps = ((upper, gate.saliency, "mean saliency", None), (lower, gate.active, "share let through", 1.0))
    for axes, values, what, most in maps:
        image = axes.imshow(values[:, order], aspect="auto", vmin=0.0, vmax=most, interpolation="nearest")
        figure.colorbar(image, ax=axes)
        axes.set(title=f"{gate.name}: {what}", ylabel="class" if len(values) > 1 else "")
        axes.set_yticks(range(len(values)), list(map(str, gate.classes)))
        axes.grid(False)
    lower.set_xlabel("channel, sorted")
    pictures.save(figure, f"gate-{gate.name}")


def _is_plain_gate(layer: keras.layers.Layer) -> bool:
    """Whether a layer is what a finished gate is: a model of (u, saliency) with a layer `affine`."""
    two = isinstance(layer, keras.Model) and len(layer.inputs) == 2
    return two and any(each.name == "affine" for each in layer.layers)


def _active(gate: keras.layers.Layer, saliency: np.ndarray, answer: np.ndarray) -> np.ndarray:
    if isinstance(gate, ChannelGate):
        return np.asarray(keras.ops.convert_to_numpy(winners(keras.ops.convert_to_tensor(saliency), gate.kept)))
    channels = [axis for axis in range(1, answer.ndim) if answer.shape[axis] == saliency.shape[-1]][-1]
    space = tuple(axis for axis in range(1, answer.ndim) if axis != channels)
    return np.any(answer != 0, axis=space)
