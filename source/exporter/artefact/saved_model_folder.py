"""A SavedModel, run through its signatures; Keras is not needed for it."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from source.config.errors import DataError
from source.config.nearest import did_you_mean
from source.exporter.artefact.artefact import Artefact

# Of the folder's own files, a server reads only the warm-up requests in `assets.extra`; others may lie beside them.
CLASSES_FILE = "assets.extra/classes.json"
_SIGNATURE = "serving_default"
_PICTURES = "predict_bytes"
_PROBABILITIES = "output_probabilities"
_AROUND = ("Graph execution error:", "Detected at node ", "<stack traces unavailable>", "\t [[")


class SavedModelFolder(Artefact):
    """The signature `serving_default` of a SavedModel, and `predict_bytes` where it takes pictures.

    Inputs and outputs are in the order of their names, `output_probabilities` before all others, so that what is
    compared with the logits of another file is what stands first.
    """

    kind = "SavedModel"

    def __init__(self, path: pathlib.Path, loaded: Any) -> None:
        super().__init__(path)
        self._loaded = loaded  # the signatures hold its variables weakly
        self._signatures: Mapping[str, Any] = loaded.signatures
        if _SIGNATURE not in self._signatures:
            raise DataError(f"{path}: has no signature `{_SIGNATURE}`. {did_you_mean(_SIGNATURE, self._signatures)}")
        self._inputs = dict(sorted(self._signatures[_SIGNATURE].structured_input_signature[1].items()))

    @property
    def input_specs(self) -> list[tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of every input of the signature, by name."""
        return [(tuple(each.shape.as_list()), each.dtype.name) for each in self._inputs.values()]

    @property
    def takes_pictures(self) -> bool:
        """Whether encoded images can be given, to a preprocessing inside, and probabilities come back."""
        return _PICTURES in self._signatures and _PROBABILITIES in self._signatures[_PICTURES].structured_outputs

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of the labels; empty where the folder does not say."""
        file = self.path / CLASSES_FILE
        return tuple(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else ()

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs of `run`, in its order."""
        outputs = self._signatures[_SIGNATURE].structured_outputs
        names = [name for name, spec in outputs.items() if spec.dtype != tf.string]
        return tuple(sorted(names, key=lambda name: (name != _PROBABILITIES, name)))

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs by name, `output_probabilities` first; texts are left out."""
        self.check_inputs(inputs)
        given = {
            name: tf.constant(np.asarray(each, spec.dtype.as_numpy_dtype))
            for (name, spec), each in zip(self._inputs.items(), inputs, strict=True)
        }
        outputs = self.answer(_SIGNATURE, **given)
        return [outputs[name] for name in self.output_names]

    def answer(self, signature: str, **inputs: tf.Tensor) -> dict[str, np.ndarray]:
        """Returns all outputs of a signature by name, texts as bytes.

        Args:
            signature: its name.
            **inputs: by name.
        """
        return {name: value.numpy() for name, value in self._signatures[signature](**inputs).items()}

    def classify(self, pictures: Sequence[bytes]) -> np.ndarray:
        """Returns the probabilities (b, classes) of encoded images.

        Args:
            pictures: the bytes of files, each an image of any size.

        Raises:
            DataError: if this SavedModel takes no pictures or gives no probabilities, or if one of them is broken.
        """
        if not self.takes_pictures:
            raise DataError(
                f"{self.path}: needs a signature `{_PICTURES}` that answers with `{_PROBABILITIES}` to take pictures. "
                f"Received: {', '.join(self._signatures)}."
            )
        try:
            return self.answer(_PICTURES, input_bytes=tf.constant(list(pictures), tf.string))[_PROBABILITIES]
        except tf.errors.InvalidArgumentError as error:
            raise DataError(f"the image does not decode ({_reason(error)})") from error


def open_file(path: pathlib.Path, threads: int | None) -> SavedModelFolder:
    """Returns the SavedModel of a folder.

    Args:
        path: of the folder.
        threads: not used: TensorFlow's threads are those of the process.

    Raises:
        DataError: for a folder that cannot be read.
    """
    try:
        return SavedModelFolder(path, tf.saved_model.load(str(path)))
    except (OSError, ValueError, KeyError, RuntimeError, tf.errors.OpError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: this SavedModel cannot be read: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    """Returns what is wrong in one printable line, without what TensorFlow says of the graph around it."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith(_AROUND)]
    text = (lines or [type(error).__name__])[0].rpartition("}} ")[2].partition(" [Op:")[0].strip().rstrip(".")
    return text.encode("ascii", "backslashreplace").decode()[:200]
