"""What is known of the channels in a model while its calls are followed one after the other."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from source.graph.channels.classes import Classes
from source.layer import weight_paths


@dataclasses.dataclass(frozen=True)
class Site:
    """An axis of a weight whose indices belong to channels.

    Attributes:
        path: of the layer.
        layer: the layer itself.
        weight: path of the weight below the layer.
        axis: of the weight.
        labels: one an index of that axis.
    """

    path: str
    layer: Any
    weight: str
    axis: int
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Fixed:
    """Channels that may not go.

    Attributes:
        labels: of them.
        reason: a few words.
    """

    labels: np.ndarray
    reason: str


class Flow:
    """The labels of every tensor, ties between them, and the sites found so far.

    A tensor (b, ...) has an array of labels with an axis for each of its own but the batch; along an axis where all
    labels are the same, as they are along height and width after a convolution, the array may have length 1.
    """

    def __init__(self) -> None:
        self.classes = Classes()
        self._sites: dict[tuple[int, str, int], Site] = {}
        self.fixed: list[Fixed] = []
        self.uneasy: list[Fixed] = []
        self.producers: dict[str, np.ndarray] = {}
        self._labels: dict[int, np.ndarray] = {}
        self._moved: dict[tuple[str, int], np.ndarray] = {}
        self._owner: Any = None
        self._tensors: list[keras.KerasTensor] = []  # kept, so that no other tensor takes an identity

    @property
    def sites(self) -> list[Site]:
        """The sites found so far, in the order of the model."""
        return list(self._sites.values())

    def of(self, tensor: keras.KerasTensor) -> np.ndarray:
        """Returns the labels of a tensor.

        Args:
            tensor: that some call has made.
        """
        return self._labels[id(tensor)]

    def whole(self, tensor: keras.KerasTensor) -> np.ndarray | None:
        """Returns the labels of a tensor with every axis at its full length; None where a length is not known.

        Args:
            tensor: that some call has made.
        """
        if any(length is None for length in tensor.shape[1:]):
            return None
        return np.broadcast_to(self.of(tensor), tuple(tensor.shape[1:]))

    def channels(self, tensor: keras.KerasTensor, axis: int = -1) -> np.ndarray:
        """Returns the labels along one axis, tying what differs along the others.

        Args:
            tensor: that some call has made.
            axis: of the tensor; negative, so that the batch does not count.
        """
        length = tensor.shape[axis]
        labels = np.moveaxis(self.of(tensor), axis, -1)
        length = labels.shape[-1] if length is None else length
        lines = np.broadcast_to(labels, (*labels.shape[:-1], length)).reshape(-1, length)
        if len(lines) > 1:
            self.classes.tie(lines[1:], lines[:1])
        return lines[0]

    def put(self, tensor: keras.KerasTensor, labels: np.ndarray) -> None:
        """Says the labels of a tensor.

        Args:
            tensor: that a call has made.
            labels: that broadcast to its shape without the batch.
        """
        missing = len(tensor.shape) - 1 - labels.ndim
        self._labels[id(tensor)] = labels.reshape((1,) * missing + labels.shape)
        self._tensors.append(tensor)

    def put_moved(self, tensor: keras.KerasTensor, labels: np.ndarray, path: str, position: int = 0) -> None:
        """Says the labels of a tensor in which channels have moved to other places.

        Where they lie along several axes, they are tied so that whole lines of the last one go: what is left of a
        tensor is a tensor. At a second call of the same layer, they are tied with those of the first.

        Args:
            tensor: that a call has made.
            labels: for every place, without the batch.
            path: of the layer.
            position: of the tensor among what the layer makes.
        """
        labels = self.narrowed(labels)
        axes = [axis for axis, length in enumerate(labels.shape) if length > 1]
        if len(axes) > 1:
            lines = np.moveaxis(labels, axes[-1], -1).reshape(-1, labels.shape[axes[-1]])
            self.classes.tie(lines[1:], lines[:1])
            labels = lines[0].reshape([len(lines[0]) if axis == axes[-1] else 1 for axis in range(labels.ndim)])
        known = self._moved.setdefault((path, position), labels)
        if known.shape == labels.shape:
            self.classes.tie(known, labels)
        else:
            for each in (known, labels):
                self.fix(each, f"`{path}` moves them to several shapes")
        self.put(tensor, labels)

    def narrowed(self, labels: np.ndarray) -> np.ndarray:
        """Returns labels with length 1 along every axis along which all are the same.

        Args:
            labels: any shape.
        """
        labels = self.classes.find(labels)
        for axis in range(labels.ndim):
            first = np.take(labels, [0], axis=axis)
            if np.array_equal(np.broadcast_to(first, labels.shape), labels):
                labels = first
        return labels

    def axis_of(self, tensor: keras.KerasTensor) -> int:
        """Returns the last axis, counted from the end, along which a tensor has different labels; -1 if none.

        Args:
            tensor: that some call has made.
        """
        shape = self.of(tensor).shape
        return next((axis for axis in range(-1, -len(shape) - 1, -1) if shape[axis] > 1), -1)

    def put_opaque(self, tensor: keras.KerasTensor, reason: str) -> None:
        """Says that all of a tensor stays: one new label that may not go.

        Args:
            tensor: that a call has made.
            reason: a few words.
        """
        labels = self.classes.fresh(1)
        self.fix(labels, reason)
        self.put(tensor, labels.reshape((1,) * (len(tensor.shape) - 1)))

    def put_channels(self, tensor: keras.KerasTensor, labels: np.ndarray, axis: int = -1) -> None:
        """Says the labels of a tensor whose channels are the same at all places.

        Args:
            tensor: that a call has made.
            labels: one a channel.
            axis: of the channels; negative.
        """
        shape = [1] * (len(tensor.shape) - 1)
        if shape:
            shape[axis] = len(labels)
        self.put(tensor, labels.reshape(shape))

    def made_by(self, path: str, count: int) -> np.ndarray:
        """Returns the labels of the channels that a layer makes: new ones, or those of its first call.

        Args:
            path: of the layer.
            count: of channels.
        """
        if path not in self.producers:
            self.producers[path] = self.classes.fresh(count)
        return self.producers[path]

    def site(self, path: str, layer: Any, weight: Any, axis: int, labels: np.ndarray) -> None:
        """Notes that the indices of an axis of a weight belong to channels; at a second call, ties them.

        Args:
            path: of the layer.
            layer: the layer itself.
            weight: attribute of the layer that holds the weight, or the weight.
            axis: of the weight, not negative.
            labels: one an index.
        """
        variable = getattr(layer, weight) if isinstance(weight, str) else weight
        layer = self._owner or layer
        place = next(place for place, each in weight_paths.of(layer).items() if each is variable)
        known = self._sites.setdefault((id(layer), place, axis), Site(path, layer, place, axis, labels))
        if known.labels is not labels:
            self.classes.tie(known.labels, labels)

    @contextlib.contextmanager
    def inside(self, layer: Any) -> Iterator[None]:
        """Lets the sites that are found meanwhile be those of a layer that has the others in it.

        Args:
            layer: the outer one.
        """
        outer, self._owner = self._owner, self._owner or layer
        yield
        self._owner = outer

    def fix(self, labels: np.ndarray, reason: str) -> None:
        """Notes channels that may not go.

        Args:
            labels: any shape.
            reason: a few words.
        """
        self.fixed.append(Fixed(np.unique(labels), reason))

    def doubt(self, labels: np.ndarray, reason: str) -> None:
        """Notes channels whose going changes what others are, such as those that a layer normalization looks at.

        Args:
            labels: any shape.
            reason: a few words.
        """
        self.uneasy.append(Fixed(np.unique(labels), reason))
