"""Writes a LiteRT (TensorFlow Lite) file: float32, float16, integers from training, or rounded after training."""

import pathlib
from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np

from source.config.config import require
from source.config.errors import ConfigError
from source.config.settings import adopt, settings
from source.exporter._litert_conversion import NumberType, Request, convert
from source.exporter._litert_integers import (
    integer_model,
    is_graph,
    is_quantized,
    rounds_activations,
    rounds_to_8_bits,
    with_known_lengths,
)
from source.exporter._litert_operations import (
    described,
    float_operations,
    operations_of,
    output_steps,
    within_one_code,
)
from source.exporter.exporter import ExporterConfig
from source.exporter.file_exporter import FileExporter, FileExporterConfig

Precision = Literal[
    "auto",
    "float32",
    "float16",
    "int8",
    "int8_static",
    "int16x8",
    "int8_dynamic",
    "int8_weights",
    "int4_dynamic",
    "int4_weights",
]

# Recipes of https://github.com/google-ai-edge/ai-edge-quantizer
_RECIPES = {
    "int8_static": "static_wi8_ai8",
    "int16x8": "static_wi8_ai16",
    "int8_dynamic": "dynamic_wi8_afp32",
    "int8_weights": "weight_only_wi8_afp32",
    "int4_dynamic": "dynamic_wi4_afp32",
    "int4_weights": "weight_only_wi4_afp32",
}
_CALIBRATED = ("int8_static", "int16x8")
_INTEGER = ("auto", "int8")
# Shares of the output's range; docs/exporters/litert.md tells what they were measured on.
_TOLERANCES = {"float32": 1e-4, "float16": 5e-3, "int4_dynamic": 0.5, "int4_weights": 0.5}
_TOLERANCE_OF_CODES = 0.1


@settings
class Config(FileExporterConfig):
    """Settings of the LiteRT exporter.

    Attributes:
        precision: "float32"; "float16", weights stored in half the bytes; "int8", for a model whose weights and
            activations were rounded by `quantize_aware` or `quantize_post_training`; "auto", which is "int8" for such a
            model if all its activations have 8 bits, and "float32" for others; or what is rounded by the exporter:
            "int8_static" and "int16x8" (activations int8 or int16, calibrated on the examples), "int8_dynamic" and
            "int4_dynamic" (activations rounded as they come), "int8_weights" and "int4_weights" (weights only).
        input_type: of the file's inputs, "float32" or "int8"; "int8" needs `precision` "auto" or "int8".
        output_type: of the file's outputs, likewise.
        batch_size: how many examples the file takes at once; None leaves it free.
        time_limit_s: seconds that the converter may take.
    """

    precision: Precision = "auto"
    input_type: NumberType = "float32"
    output_type: NumberType = "float32"
    batch_size: int | None = None
    time_limit_s: float = 900.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.batch_size is None or self.batch_size > 0, "batch_size", "positive", self.batch_size)
        require(self.time_limit_s > 0, "time_limit_s", "positive", self.time_limit_s)
        for side, given in (("input_type", self.input_type), ("output_type", self.output_type)):
            fits = given == "float32" or self.precision in _INTEGER
            require(fits, side, f"`float32` where `precision` is `{self.precision}`", given)


class LiteRTExporter(FileExporter):
    """Converts in a process of its own, and says what of the file computes in integers."""

    suffix = ".tflite"
    config: Config

    def write(self, model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray]) -> list[str]:
        """Writes the file; returns its kind, what computes in float, and which weights were rounded again."""
        precision = self._precision(model)
        if precision == "int8":
            made = integer_model(model)
            convert(made.model, path, examples, self._request(precision))
            notes = [*self._notes(precision, path), *_rounded_again(made.rounded_again)]
            return [*notes, *_codes_apart(self.expected(model, examples), self.answered(path, examples), path)]
        if "int8" in (self.config.input_type, self.config.output_type):
            raise ConfigError(
                "litert: inputs and outputs are int8 only in a file of integers, and this model is not rounded. Train "
                "it with `quantize_aware`, or round it with `quantize_post_training`."
            )
        convert(with_known_lengths(model), path, examples, self._request(precision))
        return self._notes(precision, path)

    def tolerance(self, model: keras.Model) -> float:
        """Returns the largest difference that is accepted, a share of the range of the outputs."""
        precision = self._precision(model)
        if precision == "float32" and rounds_activations(model):
            return _TOLERANCE_OF_CODES  # numbers between two steps may be rounded to the other one
        return _TOLERANCES.get(precision, _TOLERANCE_OF_CODES)

    def _precision(self, model: keras.Model) -> str:
        asked = self.config.precision
        if asked not in _INTEGER:
            return asked
        quantized = is_graph(model) and is_quantized(model)
        if asked == "int8" and not quantized:
            raise ConfigError(
                "litert: `precision` int8 is for a model whose weights and activations are rounded to 8 bits. Train it "
                "with `quantize_aware`, round it with `quantize_post_training`, or set `precision` to int8_static."
            )
        return "int8" if quantized and (asked == "int8" or rounds_to_8_bits(model)) else "float32"

    def _request(self, precision: str) -> Request:
        return Request(
            optimize=precision in ("int8", "float16"),
            float16=precision == "float16",
            recipe=_RECIPES.get(precision, ""),
            input_type=self.config.input_type,
            output_type=self.config.output_type,
            batch_size=self.config.batch_size,
            time_limit_s=self.config.time_limit_s,
        )

    def _notes(self, precision: str, path: pathlib.Path) -> list[str]:
        operations = operations_of(path)
        floats = float_operations(operations)
        notes = [f"precision {precision}: {len(operations)} operations, {len(floats)} of them in float."]
        if floats and precision in ("int8", *_CALIBRATED):
            notes.append(f"In float: {described(floats)}.")
        return notes


def build(config: ExporterConfig) -> LiteRTExporter:
    """Returns an exporter of LiteRT files.

    Args:
        config: the settings.
    """
    return LiteRTExporter(adopt(Config, config))


def _rounded_again(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    listed = ", ".join(f"`{name}`" for name in names)
    return [
        f"The weights of {listed} lie on no grid of int8 that the converter can be told: it keeps them in float, or "
        "rounds them to int8 by their largest numbers."
    ]


def _codes_apart(expected: Sequence[np.ndarray], found: Sequence[np.ndarray], path: pathlib.Path) -> list[str]:
    shares = [
        within_one_code(mine, theirs, step)
        for mine, theirs, step in zip(expected, found, output_steps(path), strict=True)
        if step is not None and mine.shape == theirs.shape
    ]
    listed = ", ".join(f"{share:.2%}" for share in shares)
    return [f"Within one code of the model's outputs: {listed} of the numbers."] if shares else []
