"""How much sooner LiteRT files are done when half of the MACs are cut out: ResNet50 and MobileNetV2 at 224 x 224.

python benchmark/pruned_latency.py [--rounds 50] [--threads 1]

Channels go from the group that saves the most bytes of reading and writing for its MACs, a sixteenth of its width at a
time, until half of the MACs are gone; each group keeps half of its channels, and widths stay multiples of 8. Weights
are random: they do not matter for the time. In every round each file runs one picture, in turns, so that a machine that
slows down slows both; ratios are those of medians. `excess` is the ratio of latencies less that of MACs.
The last line is one JSON object.
"""

import argparse
import json
import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.build import export
from source.exporter.latency import alternate
from source.graph.channel_cost import ChannelCost, channel_cost
from source.surgery.channels import remove_channels

SIDE = 224
MULTIPLE = 8
BUDGET = 0.5
NETWORKS = {"resnet50": keras.applications.ResNet50, "mobilenet_v2": keras.applications.MobileNetV2}


def kept_by(cost: ChannelCost, widths: Mapping[str, int]) -> np.ndarray:
    """Returns the channels that stay when groups have these widths."""
    kept = np.zeros(cost.groups.count, bool)
    for group in cost.groups.prunable:
        kept[group.channels[: widths[group.name]]] = True
    return kept[cost.channels]


def worth(cost: ChannelCost, before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Returns the bytes of reading and writing that are saved for each MAC that is."""
    wide, narrow = kept_by(cost, before), kept_by(cost, after)
    macs, moved = (cost.total(target, wide) - cost.total(target, narrow) for target in ("macs", "memory"))
    return moved / macs


def halved(model: keras.Model) -> tuple[keras.Model, float]:
    """Returns the model with at most half of the MACs, and the share of them that is left."""
    cost = channel_cost(model)
    total, widths = cost.total("macs"), {group.name: len(group) for group in cost.groups.prunable}
    steps = {name: max(MULTIPLE, width // 16 // MULTIPLE * MULTIPLE) for name, width in widths.items()}
    least = {name: max(MULTIPLE, -(-width // 2 // MULTIPLE) * MULTIPLE) for name, width in widths.items()}
    while cost.total("macs", kept_by(cost, widths)) > BUDGET * total:
        ways = [{**widths, name: widths[name] - steps[name]} for name in widths]
        allowed = [way for way, name in zip(ways, widths, strict=True) if way[name] >= least[name]]
        if not allowed:
            raise SystemExit(f"Half of the MACs of {model.name} cannot go with half of all channels.")
        widths = max(allowed, key=lambda way: worth(cost, widths, way))
    kept = kept_by(cost, widths)
    return remove_channels(model, cost.groups, cost.channels[~kept]), cost.total("macs", kept) / total


def compare(name: str, rounds: int, threads: int) -> dict[str, Any]:
    """Returns the ratios of one network."""
    keras.utils.set_random_seed(0)
    model = NETWORKS[name](weights=None, input_shape=(SIDE, SIDE, 3))
    smaller, mac_ratio = halved(model)
    examples = np.random.default_rng(0).normal(size=(2, SIDE, SIDE, 3)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / f"{name}_{which}.tflite" for which in ("before", "after")]
        for each, path in zip((model, smaller), files, strict=True):
            print(export(each, path, examples, precision="float32", batch_size=1), flush=True)
        artefacts = [open_artefact(path, threads=threads) for path in files]
        before, after = alternate(artefacts, examples, rounds=rounds, warm_up=5, threads=threads)
    latency_ratio = after.network.p50_ms / before.network.p50_ms
    return {
        "mac_ratio": round(mac_ratio, 4),
        "latency_ratio": round(latency_ratio, 4),
        "excess": round(latency_ratio - mac_ratio, 4),
        "before_ms": round(before.network.p50_ms, 3),
        "after_ms": round(after.network.p50_ms, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, help="rounds that count, after five that do not")
    parser.add_argument("--threads", type=int, default=1, help="that a file runs on")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"benchmark": "pruned_latency", "cpus": os.cpu_count(), "rounds": arguments.rounds}
    results["threads"] = arguments.threads
    for name in NETWORKS:
        results[name] = compare(name, arguments.rounds, arguments.threads)
        print(name, results[name], flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
