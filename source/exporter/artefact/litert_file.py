"""A `.tflite` file, run by the LiteRT interpreter."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from source.config.errors import DataError, MissingDependencyError
from source.exporter.artefact.artefact import Artefact

_SIGNATURE = "serving_default"


class LiteRTFile(Artefact):
    """An interpreter with its tensors.

    A file of a free batch is given all examples at once; one of a fixed batch as many as it takes, again and again.
    """

    kind = "LiteRT"

    def __init__(self, path: pathlib.Path, interpreter: Any) -> None:
        super().__init__(path)
        self._interpreter = interpreter
        self._inputs, self._outputs = _tensors(interpreter)
        # The batch that memory is laid out for; 0 until it is.
        self._batch = 0

    @property
    def input_specs(self) -> list[tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of every input; inputs of codes take numbers, float32."""
        return [(_shape(each), "float32" if _is_code(each) else each["dtype"].__name__) for each in self._inputs]

    @property
    def code_steps(self) -> list[float | None]:
        """What one code of each output means; None for outputs that are no codes of a file's integers."""
        return [float(each["quantization"][0]) or None for each in self._outputs]

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs; float32 where the file has codes."""
        self.check_inputs(inputs)
        given = [np.asarray(each) for each in inputs]
        fixed = next((shape[0] for shape, _ in self.input_specs if shape and shape[0] is not None), None)
        count = len(given[0]) if given and given[0].ndim else 1
        if fixed is None:
            return self._run(given, count)
        parts = [self._run(_part(given, start, fixed), fixed) for start in range(0, count, fixed)]
        return [np.concatenate(each)[:count] for each in zip(*parts, strict=True)]

    def _run(self, inputs: Sequence[np.ndarray], batch: int) -> list[np.ndarray]:
        self._allocate(batch)
        for tensor, given in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(tensor["index"], _encoded(tensor, given))
        self._interpreter.invoke()
        return [_decoded(each, self._interpreter.get_tensor(each["index"])) for each in self._outputs]

    def _allocate(self, batch: int) -> None:
        if batch == self._batch:
            return
        for tensor in self._inputs:
            shape = _shape(tensor)
            if shape and shape[0] is None:
                self._interpreter.resize_tensor_input(tensor["index"], (batch, *tensor["shape"][1:]))
        self._interpreter.allocate_tensors()
        self._batch = batch


def open_file(path: pathlib.Path, threads: int | None) -> LiteRTFile:
    """Returns the interpreter of a file.

    Args:
        path: of a `.tflite` file.
        threads: processor threads; None leaves it to the runtime.

    Raises:
        DataError: for a file that is broken.
        MissingDependencyError: if the runtime is not installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingDependencyError(
            "LiteRT files need the package `ai-edge-litert`: pip install 'espalier[export]'."
        ) from error
    try:
        return LiteRTFile(path, Interpreter(model_path=str(path), num_threads=threads))
    except (ValueError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or ["no reason"])[0]
        raise DataError(f"{path}: this is no LiteRT file that can be run: {reason}") from error


def _tensors(interpreter: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns inputs and outputs in the order of the Keras model where the file tells it, else in that of the file."""
    if _SIGNATURE in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(_SIGNATURE)
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        if _is_numbered(inputs, "input_") and _is_numbered(outputs, "output_"):
            return _by_number(inputs), _by_number(outputs)
    return interpreter.get_input_details(), interpreter.get_output_details()


def _is_numbered(tensors: dict[str, Any], prefix: str) -> bool:
    return set(tensors) == {f"{prefix}{number}" for number in range(len(tensors))}


def _by_number(tensors: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [tensors[name] for name in sorted(tensors, key=lambda name: int(name.rpartition("_")[2]))]


def _shape(tensor: dict[str, Any]) -> tuple[int | None, ...]:
    signature = tensor.get("shape_signature")
    lengths = tensor["shape"] if signature is None or not len(signature) else signature
    return tuple(None if length < 0 else int(length) for length in lengths)


def _is_code(tensor: dict[str, Any]) -> bool:
    return bool(tensor["quantization"][0]) and np.issubdtype(tensor["dtype"], np.integer)


def _encoded(tensor: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    if not _is_code(tensor):
        return np.ascontiguousarray(numbers, tensor["dtype"])
    scale, zero = tensor["quantization"]
    limits = np.iinfo(tensor["dtype"])
    codes = np.rint(np.asarray(numbers, np.float32) / np.float32(scale)) + zero
    return np.ascontiguousarray(np.clip(codes, limits.min, limits.max).astype(tensor["dtype"]))


def _decoded(tensor: dict[str, Any], values: np.ndarray) -> np.ndarray:
    if not _is_code(tensor):
        return values
    scale, zero = tensor["quantization"]
    return (values.astype(np.int32) - zero).astype(np.float32) * np.float32(scale)


def _part(inputs: Sequence[np.ndarray], start: int, count: int) -> list[np.ndarray]:
    """Returns some of the examples, the last one again where too few are left."""
    parts = []
    for each in inputs:
        part = each[start : start + count]
        missing = count - len(part)
        parts.append(np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part)
    return parts
