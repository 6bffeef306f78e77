"""A model handed to the converter, which runs in a process of its own: it leaks, may crash, and writes to stderr."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from source.config.errors import ConfigError, ExportError
from source.exporter import _litert_convert
from source.exporter._litert_integers import is_graph
from source.graph.wiring import as_functional
from source.surgery.rewrite import graphs_of

NumberType = Literal["float32", "int8"]


@dataclasses.dataclass(frozen=True)
class Request:
    """What the converter is asked for.

    Attributes:
        optimize: whether it stores fewer bits, or computes in integers where roundings are.
        float16: whether those bits are float16.
        recipe: of `ai-edge-quantizer`, applied to the float file; empty for none.
        input_type: of the inputs of the file.
        output_type: of the outputs of the file.
        batch_size: of the inputs; None leaves it free.
        time_limit_s: seconds after which the process is ended.
    """

    optimize: bool
    float16: bool
    recipe: str
    input_type: NumberType
    output_type: NumberType
    batch_size: int | None
    time_limit_s: float


def convert(model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray], request: Request) -> None:
    """Writes a model as a LiteRT file, with inputs `input_0`, `input_1`, ... and outputs `output_0`, ... in its order.

    Args:
        model: built, without wrappers.
        path: of the file.
        examples: to calibrate on, one array (b, ...) an input.
        request: what kind of file.

    Raises:
        ConfigError: for what LiteRT cannot compute, naming the layer.
        ExportError: if the converter crashes or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="espalier-litert-") as temporary:
        folder = pathlib.Path(temporary)
        _save(model, folder / "saved_model", request.batch_size)
        named: dict[str, Any] = {f"input_{index}": each for index, each in enumerate(examples)}
        np.savez(folder / "examples.npz", **named)
        written = folder / "model.tflite"
        asked = {
            **dataclasses.asdict(request),
            "saved_model": str(folder / "saved_model"),
            "examples": str(folder / "examples.npz"),
            "output": str(written),
        }
        answer = _answer(asked, folder, request.time_limit_s)
        if "error" in answer:
            raise ConfigError(_explained(model, answer["error"], request))
        path.write_bytes(written.read_bytes())


def _save(model: keras.Model, folder: pathlib.Path, batch_size: int | None) -> None:
    specs = [
        tf.TensorSpec((batch_size, *each.shape[1:]), keras.backend.standardize_dtype(each.dtype), name=f"input_{index}")
        for index, each in enumerate(model.inputs)
    ]
    sequential = isinstance(model, keras.Sequential)

    @tf.function(autograph=False)
    def serving(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        packed = inputs[0] if sequential else keras.tree.pack_sequence_as(model.input, list(inputs))
        outputs = keras.tree.flatten(model(packed, training=False))
        return {f"output_{index}": tf.identity(each) for index, each in enumerate(outputs)}

    module = tf.Module()
    module.variables_of_model = [variable.value for variable in model.variables]
    tf.saved_model.save(module, str(folder), signatures=serving.get_concrete_function(*specs))


def _answer(asked: Mapping[str, Any], folder: pathlib.Path, time_limit_s: float) -> dict[str, Any]:
    request, answer = folder / "request.json", folder / "answer.json"
    request.write_text(json.dumps(dict(asked)), encoding="utf-8")
    # With -P the folder of the script is not searched: modules there have names of others.
    command = [sys.executable, "-P", str(_litert_convert.__file__), str(request), str(answer)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=time_limit_s, env=dict(os.environ)
        )
    except subprocess.TimeoutExpired:
        raise ExportError(
            f"litert: the converter was ended after {time_limit_s:g} seconds. Give it more with `time_limit_s`."
        ) from None
    if not answer.is_file():
        last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        raise ExportError(f"litert: the converter ended with code {done.returncode}: {last}")
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found


def _explained(model: keras.Model, error: str, request: Request) -> str:
    """Returns one sentence on what could not be converted and one on what to do."""
    found = _operation_in(model, error)
    where = f"layer `{found.name}` ({type(found).__name__})" if found is not None else f"model `{model.name}`"
    missing = re.findall(r"(?:Flex|Custom|TF Select) ops?: ([^\n]*)", error)
    if missing:
        names = ", ".join(sorted({name.strip().removeprefix("Flex") for each in missing for name in each.split(",")}))
        advice = _advice(error, request)
        return f"litert: {where} needs operations that LiteRT does not have: {names}. {advice}"
    lines = re.findall(r"error: (.*)", error) or [line for line in error.splitlines() if line.strip()]
    first = lines[0].strip() if lines else "the converter gives no reason"
    reason = re.sub(r"^loc\(.*\): ", "", first).rstrip(".")  # without the places where the operation was made
    return f"litert: {where} cannot be converted: {reason}. {_advice(error, request)}"


def _advice(error: str, request: Request) -> str:
    if request.batch_size is None and ("TensorList" in error or "static" in error or "dynamic" in error):
        return "Fix the batch with `batch_size=1`."
    return "Replace the layer by one that LiteRT can compute."


def _operation_in(model: keras.Model, error: str) -> Any:
    """Returns the layer or operation whose name stands in the place that an error tells of; None if there is none."""
    if not is_graph(model):
        return None
    operations = [each for graph in graphs_of(model) for each in as_functional(graph).operations]
    by_name = {each.name: each for each in operations if not isinstance(each, keras.Model)}
    for place in re.findall(r'"([^"\n]+?)@__inference', error) + re.findall(r'"([^"\n:]+/[^"\n:]+)"', error):
        for part in place.split("/"):
            # A second trace of a model numbers the names of its layers.
            for name in (part, re.sub(r"_\d+$", "", part)):
                if name in by_name:
                    return by_name[name]
    return None
