import json
from types import SimpleNamespace

import pytest

# 44 steps of 32 digits in an epoch of 1,438.
EPOCHS, STEPS = 4, 179


@pytest.fixture(scope="module")
def run(load_demo, tmp_path_factory):
    """The demo, shortened to half of its epochs: its exit code and the folder that it leaves."""
    folder = tmp_path_factory.mktemp("compress")
    return SimpleNamespace(code=load_demo("compression/compress.py").main(folder, EPOCHS), folder=folder)


def test_it_succeeds_and_leaves_what_it_says(run):
    assert run.code == 0
    names = sorted(path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file())
    assert [name for name in names if "events.out.tfevents." not in name] == [
        f"float/checkpoints/checkpoint-{STEPS:08d}.npz",
        "float/outcome.json",
        "float/run.json",
        "report.json",
        f"small/checkpoints/checkpoint-{STEPS:08d}.npz",
        "small/compression.json",
        "small/finished.keras",
        "small/outcome.json",
        "small/run.json",
    ]


def test_a_tenth_of_the_weights_is_left_in_8_bits(run):
    report = json.loads((run.folder / "report.json").read_text())
    assert (report["numbers"], report["kept"]) == (431_080, 43_630 - zero_codes(run))
    assert report["ratio"] > 15
    assert report["before"] >= 0.95
    assert report["after"] >= report["before"] - 0.05


def zero_codes(run):
    """Kept weights whose code is 0 nevertheless, because they are less than half a step of their channel."""
    rows = json.loads((run.folder / "small" / "compression.json").read_text())["rows"]
    left = sum(row["kept"] for row in rows if row["compressed"])
    assert 0 <= 43_050 - left < 430  # all but 1 %
    return 43_050 - left
