from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

from source.callback import infer_display_image_classification as display
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun

PROBABILITIES = np.array([[0.1, 0.2, 0.7], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0]], np.float32)


def outputs(*indices):
    probabilities = PROBABILITIES[[index % 3 for index in indices]]
    return {
        "index": np.array(indices, np.int64),
        "image": np.random.default_rng(0).normal(size=(len(indices), 8, 8, 3)).astype(np.float32),
        "classes": probabilities.argmax(-1),
        "probabilities": probabilities,
    }


def infer(run, *batches, **settings):
    callback = display.build(display.Config(**settings))
    callback.before_run(run)
    for batch in batches:
        callback.after_predict(run, outputs(*batch))
    callback.after_run(run)


def test_writes_a_table_of_all_predictions(tmp_path):
    infer(FakeRun(tmp_path, mode="infer"), (0, 1), (2,), max_images=1)
    assert (tmp_path / "infer/predictions.csv").read_text() == (
        "file,class,name,probability\n"
        "pictures/0.png,2,owl,0.700000\n"
        "pictures/1.png,1,dog,0.500000\n"
        "pictures/2.png,0,cat,1.000000\n"
    )


def test_writes_a_sheet_of_the_first_pictures_and_nothing_else(tmp_path):
    infer(FakeRun(tmp_path, mode="infer"), (0, 1), (2, 3), (4,), max_images=3)
    with PIL.Image.open(tmp_path / "infer/predictions.png") as sheet:
        assert sheet.size == (8 + 2 * 168, 8 + 2 * 204)
    assert sorted(path.name for path in (tmp_path / "infer").iterdir()) == [
        "predictions.csv",
        "predictions.png",
    ]


def test_says_the_first_predictions_and_where_all_are(tmp_path):
    run = FakeRun(tmp_path, mode="infer")
    infer(run, (0, 1, 2), max_images=2)
    assert run.said == [
        "pictures/0.png: owl (0.7000)",
        "pictures/1.png: dog (0.5000)",
        f"Wrote 3 predictions to {tmp_path}/infer/predictions.csv.",
        f"Wrote 2 pictures to {tmp_path}/infer/predictions.png.",
    ]


def test_names_given_go_before_the_inputters_and_numbers_stand_in_for_missing_ones(tmp_path):
    infer(FakeRun(tmp_path, mode="infer"), (0, 1), class_names=("Katze", "Hund"))
    rows = (tmp_path / "infer/predictions.csv").read_text().splitlines()
    assert rows[1:] == ["pictures/0.png,2,2,0.700000", "pictures/1.png,1,Hund,0.500000"]


def test_positions_stand_in_for_samples_without_names(tmp_path):
    inputter = SimpleNamespace(class_names=("cat", "dog", "owl"))
    run = FakeRun(tmp_path, mode="infer", inputter=inputter)
    infer(run, (0, 1))
    rows = (tmp_path / "infer/predictions.csv").read_text().splitlines()
    assert rows[1:] == ["0,2,owl,0.700000", "1,1,dog,0.500000"]
    assert run.said == [
        f"Wrote 2 predictions to {tmp_path}/infer/predictions.csv.",
        f"Wrote 2 pictures to {tmp_path}/infer/predictions.png.",
    ]


def test_no_samples_leave_an_empty_table_and_no_sheet(tmp_path):
    infer(FakeRun(tmp_path, mode="infer"))
    assert [path.name for path in (tmp_path / "infer").iterdir()] == ["predictions.csv"]


def test_refuses_a_sheet_of_nothing():
    message = r"^Config: `max_images` must be at least 1\. Received: max_images=0\.$"
    with pytest.raises(ConfigError, match=message):
        display.Config(max_images=0)


def test_refuses_a_run_without_folder():
    message = r"^infer_display_image_classification: writes below .* Set `model_dir`\.$"
    with pytest.raises(ConfigError, match=message):
        display.build(CallbackConfig()).before_run(FakeRun(None, mode="infer"))
