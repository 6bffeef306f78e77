"""A process of its own that converts a SavedModel to LiteRT: `python _litert_convert.py request.json answer.json`.

It imports nothing of this package: the request is plain values, and so is the answer.
"""

import json
import os
import sys
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

_SIGNATURE = "serving_default"


def main() -> None:
    """Converts what the request says, and answers with the error if there is one."""
    request_file, answer_file = sys.argv[1:]
    with open(request_file, encoding="utf-8") as file:
        request = json.load(file)
    answer: dict[str, Any] = {}
    try:
        content = _converted(request)
        if request["recipe"]:
            content = _quantized(content, request)
        with open(request["output"], "wb") as file:
            file.write(content)
    except Exception as error:  # noqa: BLE001 - whatever the converter raises is for the other process to explain
        answer = {"kind": type(error).__name__, "error": str(error)}
    with open(answer_file, "w", encoding="utf-8") as file:
        json.dump(answer, file)


def _converted(request: dict[str, Any]) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(request["saved_model"], signature_keys=[_SIGNATURE])
    converter.allow_custom_ops = False
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if request["optimize"]:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if request["float16"]:
        converter.target_spec.supported_types = [tf.float16]
    for side in ("input", "output"):
        if request[f"{side}_type"] == "int8":
            setattr(converter, f"inference_{side}_type", tf.int8)
    return bytes(converter.convert())


def _quantized(content: bytes, request: dict[str, Any]) -> bytes:
    """Returns a float model quantized by a recipe, calibrated on the examples of the request if it needs any."""
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(bytearray(content), getattr(recipe, request["recipe"])())
    calibration = None
    if made.need_calibration:
        with np.load(request["examples"]) as arrays:
            given = {name: arrays[name] for name in arrays.files}
        count = len(next(iter(given.values())))
        # Ranges of several batches are averaged, which cuts off the largest numbers: one batch where the file takes it.
        batch = request["batch_size"] or count
        count //= batch
        parts = [{name: each[i * batch : (i + 1) * batch] for name, each in given.items()} for i in range(count)]
        calibration = made.calibrate({_SIGNATURE: parts})
    return bytes(made.quantize(calibration).quantized_model)


if __name__ == "__main__":
    main()
