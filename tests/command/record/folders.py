"""Folders of runs, written for tests."""

import json
import pathlib
from typing import Any

EVALUATED = [
    {"kind": "train", "step": 5, "epoch": 0.5, "first_step": 1, "loss": 2.0, "accuracy": 0.4, "seconds": 1.0},
    {"kind": "evaluate", "step": 5, "epoch": 0.5, "loss": 1.5, "accuracy": 0.625, "examples": 8.0, "seconds": 0.1},
    {"kind": "train", "step": 10, "epoch": 1.0, "first_step": 6, "loss": None, "accuracy": 0.9, "seconds": 1.0},
    {"kind": "evaluate", "step": 10, "epoch": 1.0, "loss": 1.75, "accuracy": 0.5, "examples": 8.0, "seconds": 0.1},
]


def record(epochs: float = 1.0, network: str = "lenet5", **modeler: Any) -> dict[str, Any]:
    """Returns what `run.json` holds."""
    module = "source.inputter.image_classification_array_inputter"
    return {
        "versions": {"python": "3.11.7", "keras": "3.15.1"},
        "inputter": {
            "class": f"{module}.X",
            "module": module,
            "config": {"epochs": epochs, "train_dataset_meta": ["data/mnist/train-*.gz"]},
        },
        "modeler": {"class": "a.B", "module": "a", "config": {"network": network, **modeler}},
        "runner": {"class": "a.R", "module": "a", "config": {"max_steps": None}},
        "callbacks": [{"class": "a.C", "module": "a", "config": {"log_every_n_iter": 5}}],
    }


def make_run(folder: pathlib.Path, records: Any = EVALUATED, settings: Any = None, **files: Any) -> pathlib.Path:
    """Writes a run; other files are given as `outcome={...}`, JSON each."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record() if settings is None else settings))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder
