"""Writes an ONNX file: float, or with the integers that a compressor has left, as QuantizeLinear/DequantizeLinear."""

import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from source.config.config import require
from source.config.settings import adopt, settings
from source.exporter._onnx_convert import converted, package
from source.exporter._onnx_graph import express_erfc, group_convolutions, name_values, refuse_unknown, shorten_names
from source.exporter._onnx_integers import Stored, store_integers
from source.exporter._onnx_rewrites import convertible
from source.exporter.exporter import ExporterConfig
from source.exporter.file_exporter import FileExporter, FileExporterConfig
from source.graph.wiring import as_functional
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep

_OPSETS = range(13, 19)  # scales of channels from 13 on; the converter knows no more than 18
_HALF = ("float16", "bfloat16")
_ROUNDINGS = (CalibratedQuantize, LearnedLimit, LearnedStep)


@settings
class Config(FileExporterConfig):
    """Settings of the ONNX exporter.

    Attributes:
        opset: version of ONNX's operators, 13 to 18.
    """

    opset: int = 17

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.opset in _OPSETS, "opset", f"in [{_OPSETS[0]}, {_OPSETS[-1]}]", self.opset)


class OnnxExporter(FileExporter):
    """Writes ONNX by tf2onnx, having put in the place of some layers what ONNX has."""

    suffix = ".onnx"
    config: Config

    def write(self, model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray]) -> Sequence[str]:
        """Writes the file and returns what of it are integers.

        Args:
            model: plain.
            path: where to write.
            examples: not used.

        Raises:
            ConfigError: for a layer or an operator that cannot be converted, by its name.
            MissingDependencyError: without onnx, tf2onnx or onnxruntime.
        """
        for name in ("onnx", "tf2onnx", "onnxruntime"):
            package(name)
        proto = converted(convertible(model), self.config.opset)
        plain = as_functional(model)
        proto.graph.name = model.name
        express_erfc(proto.graph)
        group_convolutions(proto.graph)
        name_values(proto.graph, [each.name for each in plain.inputs], plain.output_names)
        refuse_unknown(proto)
        notes = _notes(store_integers(proto.graph, _ranks(proto)))
        shorten_names(proto.graph, model.name)
        refuse_unknown(proto)
        package("onnx").save(proto, str(path))
        return [*notes, f"Inputs: {_described(proto.graph.input)}. Outputs: {_described(proto.graph.output)}."]

    def tolerance(self, model: keras.Model) -> float:
        """Returns 1e-4 of the output's range; 1 % where layers compute in 16 bits, 5 % where activations are rounded.

        A rounded activation that lies between two steps may go either way, and the layers behind it with it.

        Args:
            model: that is written.
        """
        operations = as_functional(model).operations
        if any(_rounds(each) for each in operations):
            return 5e-2
        return 1e-2 if any(getattr(each, "compute_dtype", "") in _HALF for each in operations) else 1e-4


def build(config: ExporterConfig) -> OnnxExporter:
    """Returns an exporter of ONNX files.

    Args:
        config: the settings.
    """
    return OnnxExporter(adopt(Config, config))


def _rounds(operation: Any) -> bool:
    return isinstance(operation, _ROUNDINGS) or type(operation).__name__ == "FakeQuantWithMinMaxVars"


def _ranks(proto: Any) -> dict[str, int]:
    graph = package("onnx").shape_inference.infer_shapes(proto).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    return {
        each.name: len(each.type.tensor_type.shape.dim) for each in values if each.type.tensor_type.HasField("shape")
    }


def _notes(stored: Stored) -> list[str]:
    if not stored.weights:
        notes = ["No weight lies on a grid of int8: all weights are float32."]
    else:
        notes = [
            f"{stored.weights} weights ({stored.numbers:,} numbers) are int8 with a scale for each channel, "
            f"{stored.biases} biases int32; {stored.activations} activations are rounded to uint8."
        ]
    if stored.float_weights:
        names = ", ".join(f"`{name}`" for name in stored.float_weights)
        notes.append(f"onnxruntime may round float32 weights between rounded activations, one scale a tensor: {names}.")
    return notes


def _described(values: Any) -> str:
    shapes = [
        [each.dim_value or each.dim_param or "?" for each in value.type.tensor_type.shape.dim] for value in values
    ]
    parts = [f"`{value.name}` ({', '.join(map(str, shape))})" for value, shape in zip(values, shapes, strict=True)]
    return ", ".join(parts)
