"""Seconds until the channel groups of NASNetLarge are known, and how many of `keras.applications` can be followed.

python benchmark/channel_graph.py [--rounds 3] [--only NASNetLarge]

Groups are found in the model as `keras.applications` builds it, without weights to download; building it does not
count. What counts is the best of the rounds: others on the machine only add. It should be at most 15 seconds. The last
line is one JSON object.
"""

import argparse
import gc
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this repository's sources, installed or not
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what TensorFlow says when it starts

import keras

from espalier import EspalierError, channel_groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="times that groups of NASNetLarge are found (default 3)")
    parser.add_argument("--only", nargs="*", help="names of the applications to follow (default: all)")
    settings = parser.parse_args()
    names = settings.only or applications()
    followed = [name for name in names if is_followed(name)]
    nasnet = seconds(keras.applications.NASNetLarge(weights=None), settings.rounds)
    print(json.dumps({"nasnet_large_s": round(nasnet, 2), "applications": len(followed), "cores": os.cpu_count()}))


def applications() -> list[str]:
    """Returns the names of all models that `keras.applications` can build."""
    return [name for name in sorted(vars(keras.applications)) if callable(getattr(keras.applications, name))]


def is_followed(name: str) -> bool:
    model = getattr(keras.applications, name)(weights=None)
    start = time.perf_counter()
    try:
        groups = channel_groups(model).prunable
    except EspalierError as error:
        print(f"{name}: {error}", flush=True)
        return False
    finally:
        keras.backend.clear_session()
        gc.collect()
    channels = sum(len(group) for group in groups)
    print(f"{name}: {len(groups)} groups, {channels} channels, {time.perf_counter() - start:.2f} s", flush=True)
    return True


def seconds(model: keras.Model, rounds: int) -> float:
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        _ = channel_groups(model).prunable
        found.append(time.perf_counter() - start)
    return min(found)


if __name__ == "__main__":
    main()
