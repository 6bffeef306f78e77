"""Codes of the integer reference of ResNet-8 beside those of its int8 LiteRT file, on all CIFAR-10 test pictures.

ESPALIER_DATA=data python benchmark/integer_agreement.py [--model finished.keras] [--pictures 10000]

`--model` is a finished int8 ResNet-8, as docs/results.md trains it; without it, MLPerf Tiny's float weights are rounded
after training. LiteRT runs the file with XNNPACK, as it comes, and with its reference kernels; the integer program
rounds once and twice. ESPALIER_DATA as for `exported_latency.py`. The last line is one JSON object.
"""

import argparse
import json
import os
import pathlib
import tempfile
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

# A script finds what lies beside it.
from exported_latency import pictures, rounded_after_training

from source.exporter.build import export
from source.exporter.integer.program import run
from source.exporter.integer_lowering.lower import lowered
from source.layer.load_model import load_model

_KERNELS = {"xnnpack": OpResolverType.AUTO, "reference": OpResolverType.BUILTIN_REF}


def codes_of_file(path: pathlib.Path, codes: np.ndarray, kernels: OpResolverType) -> np.ndarray:
    """Returns the codes that a file of one picture answers to the codes of pictures."""
    interpreter = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    [given], [made] = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for each in codes:
        interpreter.set_tensor(given["index"], each[np.newaxis])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(made["index"])[0].copy())
    return np.stack(answers).astype(np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, help="a finished int8 ResNet-8; else MLPerf's is rounded")
    parser.add_argument("--pictures", type=int, default=10_000)
    arguments = parser.parse_args()
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = pathlib.Path(os.environ.get("ESPALIER_DATA") or beside)
    model = load_model(arguments.model) if arguments.model else rounded_after_training(folder)
    images, labels = (each[: arguments.pictures] for each in pictures(folder, "test"))
    results: dict[str, Any] = {"benchmark": "integer_agreement", "pictures": len(images)}
    mine, codes = {}, None
    for rounding in ("single", "double"):
        program = lowered(model, rounding)
        codes = program.tensors[program.inputs[0]].rounded(images)
        started = time.process_time()
        mine[rounding] = run(program, [codes])[0].astype(np.int64)
        seconds = time.process_time() - started
        accuracy = float((mine[rounding].argmax(-1) == labels).mean())
        results[rounding] = {"accuracy": round(accuracy, 4), "processor_seconds": round(seconds, 1)}
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "int8.tflite"
        int8 = {"input_type": "int8", "output_type": "int8", "precision": "int8", "batch_size": 1}
        print(export(model, path, images[::40], **int8))
        for name, kernels in _KERNELS.items():
            theirs = codes_of_file(path, codes, kernels)
            results[name] = {"accuracy": round(float((theirs.argmax(-1) == labels).mean()), 4)}
            for rounding, found in mine.items():
                distance = np.abs(found - theirs)
                results[name][rounding] = {
                    "equal": float((distance == 0).mean()),
                    "within_one_code": float((distance <= 1).mean()),
                    "largest_distance": int(distance.max()),
                    "same_class": float((found.argmax(-1) == theirs.argmax(-1)).mean()),
                }
            print(name, results[name], flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
