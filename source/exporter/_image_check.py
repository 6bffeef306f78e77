"""Compares the endpoints of an image SavedModel with the model and the preprocessing that it was written from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from source.exporter.artefact.saved_model_folder import SavedModelFolder
from source.exporter.verification import Difference, difference

_PICTURES = 8  # of any size each, so they are decoded and prepared one by one


def originals(inputter: Any, count: int) -> tuple[list[np.ndarray], bool]:
    """Returns decoded images before preprocessing, and whether they are real ones.

    They are examples of the evaluation data if there are any, else of the training data; random pixels where the
    inputter does not give its originals or has none.

    Args:
        inputter: holds `originals` and `image_shape`.
        count: at most so many.
    """
    found: list[np.ndarray] = []
    if hasattr(inputter, "originals"):
        found = inputter.originals("evaluate" if inputter.has_evaluation_data else "train", count)
    shape = (count, *inputter.image_shape)
    return (found, True) if found else (list(np.random.default_rng(0).integers(0, 256, shape, np.uint8)), False)


def compared(
    modeler: Any,
    inputter: Any,
    served: SavedModelFolder,
    run: Callable[[list[np.ndarray]], list[np.ndarray]],
    images: Sequence[np.ndarray],
) -> dict[str, Difference]:
    """Returns how far each output of the endpoints is from the model's, by "endpoint.output".

    `serving_default` is given the images at the size of the network, `predict_bytes` some as PNG files at their own.

    Args:
        modeler: holds `predict_step`.
        inputter: holds `preprocess`, `image_shape` and `class_names`.
        served: the SavedModel, loaded.
        run: from images at the size of the network to the numeric outputs of `serving_default`.
        images: uint8 (h, w, c), of any size each.
    """
    height, width, _ = inputter.image_shape
    sized = tf.stack([tf.image.resize(tf.cast(image, tf.float32), (height, width)) for image in images])
    some = images[:_PICTURES]
    files = tf.stack([tf.io.encode_png(image) for image in some])
    prepared = tf.stack([inputter.preprocess(tf.cast(image, tf.float32)) for image in some])
    cases = {
        "serving_default": (
            inputter.preprocess(sized),
            dict(zip(served.output_names, run([sized.numpy()]), strict=True)),
        ),
        "predict_bytes": (prepared, served.answer("predict_bytes", input_bytes=files)),
    }
    return {
        f"{endpoint}.{name}": each
        for endpoint, (inputs, answer) in cases.items()
        for name, each in _differences(modeler.predict_step({"image": inputs}), answer, inputter.class_names).items()
    }


def _differences(
    predicted: Mapping[str, tf.Tensor], answer: Mapping[str, np.ndarray], class_names: Sequence[str]
) -> dict[str, Difference]:
    """Returns how far outputs are from the model's.

    A class or a label is as wrong as the model finds it less probable than its own: two classes that are equally
    probable may be told either way.
    """
    probabilities = predicted["probabilities"].numpy()
    wanted = {name: probabilities.max(-1) for name in ("output_classes", "output_labels")}
    wanted["output_probabilities"] = probabilities
    number = {name: index for index, name in enumerate(class_names or ())}
    found = {}
    for name, values in sorted(answer.items()):
        if name == "output_labels":
            values = np.asarray([number.get(label.decode(), -1) for label in values])
        if name != "output_probabilities":
            exists = (values >= 0) & (values < probabilities.shape[-1])
            named = probabilities[np.arange(len(values)), np.where(exists, values, 0)]
            values = np.where(exists, named, np.nan)
        found[name] = difference(wanted[name], values)
    return found
