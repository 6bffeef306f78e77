"""An ONNX file, run by onnxruntime on the processor."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from source.config.errors import DataError, MissingDependencyError
from source.exporter.artefact.artefact import Artefact

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


class OnnxFile(Artefact):
    """A session of onnxruntime; inputs and outputs are those of the graph in its order, which is the model's."""

    kind = "ONNX"

    def __init__(self, path: pathlib.Path, session: Any) -> None:
        super().__init__(path)
        self.session = session

    @property
    def input_specs(self) -> list[tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of every input; a length with a name is free."""
        return [
            (
                tuple(each if isinstance(each, int) else None for each in value.shape),
                _DTYPES.get(value.type, value.type),
            )
            for value in self.session.get_inputs()
        ]

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs: those of the model's."""
        return [value.name for value in self.session.get_inputs()]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: those of the layers and operations that make them."""
        return [value.name for value in self.session.get_outputs()]

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs."""
        self.check_inputs(inputs)
        specs = zip(self.input_names, inputs, self.input_specs, strict=True)
        feeds = {name: np.asarray(given, dtype) for name, given, (_, dtype) in specs}
        return [np.asarray(each) for each in self.session.run(self.output_names, feeds)]


def open_file(path: pathlib.Path, threads: int | None) -> OnnxFile:
    """Returns the session of a file.

    Args:
        path: of an `.onnx` file.
        threads: for one operator; operators run one after the other. None leaves it to onnxruntime.

    Raises:
        DataError: for a file that onnxruntime refuses.
        MissingDependencyError: without onnxruntime.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{path}: needs the package `onnxruntime`, which is not installed. Install it: pip install "
            "'espalier[export]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they are raised as well
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each status, none of them public
        raise DataError(f"{path}: onnxruntime cannot load this file: {error}") from error
    return OnnxFile(path, session)
