"""Seconds until `espalier --help` has answered, over those of a Python that does nothing.

python benchmark/startup.py [--rounds 15]

The two are run in turns, each in a process of its own; what counts is the median over the rounds. The answer should
come in less than half a second. The last line is one JSON object.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each (default 15)")
    rounds = parser.parse_args().rounds
    commands = {"help": help_command(), "python": [sys.executable, "-c", "pass"]}
    print(f"{' '.join(commands['help'])}; {os.cpu_count()} cores", flush=True)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        seconds(command)  # the first run of each writes byte code and reads files that then are in memory
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(seconds(command))
    print(json.dumps(summary(times)))


def help_command() -> list[str]:
    """Returns the installed command beside this Python, or what does the same from the sources."""
    script = shutil.which("espalier", path=str(Path(sys.executable).parent))
    return [script, "--help"] if script else [sys.executable, "-m", "espalier", "--help"]


def seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - start


def summary(times: dict[str, list[float]]) -> dict[str, float | int | str | None]:
    pairs = zip(times["help"], times["python"], strict=True)
    return {
        "help_seconds": round(statistics.median(times["help"]), 3),
        "python_seconds": round(statistics.median(times["python"]), 3),
        "help_over_pass_seconds": round(statistics.median(a - b for a, b in pairs), 3),
        "rounds": len(times["help"]),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    main()
