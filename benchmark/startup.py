"""Seconds until short commands have answered, over those of a Python that does nothing.

python benchmark/startup.py [--rounds 15]

Measured are `espalier --help`, `list`, `help` on a plugin, `show` of a recipe, and a misspelt key. They are run in
turns, each in a process of its own; what counts is the median over the rounds. Each should answer in less than 0.7
seconds. The last line is one JSON object.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ["network/lenet5.yaml", "data/digits.yaml", "trainer/sgd.yaml", "compress/dns.yaml"]
COMMANDS = {
    "help": ["--help"],
    "list": ["list"],
    "help_of_plugin": ["help", "network.resnet20"],
    "show": [*RECIPE, "show"],
    "misspelt_key": [*RECIPE, "lerning_rate=0.1", "train"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each (default 15)")
    rounds = parser.parse_args().rounds
    commands = {"python": [sys.executable, "-c", "pass"]}
    commands |= {name: [*espalier(), *words] for name, words in COMMANDS.items()}
    print(f"{' '.join(commands['help'])} and others; {os.cpu_count()} cores", flush=True)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        seconds(command)  # the first run of each writes byte code and reads files that then are in memory
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(seconds(command))
    print(json.dumps(summary(times)))


def espalier() -> list[str]:
    """Returns the installed command beside this Python, or what does the same from the sources."""
    script = shutil.which("espalier", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "espalier"]


def seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    if done.returncode not in (0, 2):  # 2 for the misspelt key
        raise SystemExit(f"{' '.join(command)}: ended with {done.returncode}")
    return time.perf_counter() - start


def summary(times: dict[str, list[float]]) -> dict[str, float | int | str | None]:
    """Returns medians of each command, and of the difference between `--help` and a Python that does nothing."""
    pairs = zip(times["help"], times["python"], strict=True)
    return {
        **{f"{name}_seconds": round(statistics.median(measured), 3) for name, measured in times.items()},
        "help_over_pass_seconds": round(statistics.median(a - b for a, b in pairs), 3),
        "rounds": len(times["help"]),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    main()
