"""What is known of the channels in a model while its calls are followed one after the other."""

import dataclasses
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

    def put_channels(self, tensor: keras.KerasTensor, labels: np.ndarray, axis: int = -1) -> None:
        """Says the labels of a tensor whose channels are the same at all places.

        Args:
            tensor: that a call has made.
            labels: one a channel.
            axis: of the channels; negative.
        """
        shape = [1] * (len(tensor.shape) - 1)
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

    def site(self, path: str, layer: Any, weight: str, axis: int, labels: np.ndarray) -> None:
        """Notes that the indices of an axis of a weight belong to channels; at a second call, ties them.

        Args:
            path: of the layer.
            layer: the layer itself.
            weight: attribute of the layer that holds the weight.
            axis: of the weight, not negative.
            labels: one an index.
        """
        variable = getattr(layer, weight)
        weight = next(place for place, each in weight_paths.of(layer).items() if each is variable)
        known = self._sites.setdefault((id(layer), weight, axis), Site(path, layer, weight, axis, labels))
        if known.labels is not labels:
            self.classes.tie(known.labels, labels)

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
