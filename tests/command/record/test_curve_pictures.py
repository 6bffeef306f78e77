"""Tests of pictures of curves."""

import pytest

from source.command.record.curve_pictures import draw_curves
from source.command.record.run_folder import read_run
from source.config.errors import DataError
from source.exporter.picture.pictures import Pictures
from tests.command.record.folders import EVALUATED, make_run


def test_each_metric_has_a_picture(tmp_path):
    run = read_run(make_run(tmp_path / "run"))
    with Pictures(tmp_path / "out", "svg") as pictures:
        draw_curves([run], pictures)
    assert [path.name for path in pictures.paths] == ["curve-loss.svg", "curve-accuracy.svg"]
    assert "<!-- training -->" in pictures.paths[0].read_text()


def test_several_runs_share_a_picture_and_a_metric_can_be_named(tmp_path):
    wide = [{"kind": "train", "step": step, "loss": 10.0**-step, "odd": None} for step in range(4)]
    runs = [read_run(make_run(tmp_path / "a")), read_run(make_run(tmp_path / "b", records=wide))]
    with Pictures(tmp_path / "out", "svg") as pictures:
        draw_curves(runs, pictures, ["loss"])
    [path] = pictures.paths
    text = path.read_text()
    assert "<!-- a, training -->" in text and "<!-- b, training -->" in text and "<!-- b, evaluation -->" not in text
    assert "<!-- $\\mathdefault{10^{-3}}$ -->" in text  # the axis is logarithmic


def test_mistakes_are_named(tmp_path):
    run = read_run(make_run(tmp_path / "run", records=EVALUATED))
    with Pictures(tmp_path) as pictures:
        with pytest.raises(DataError, match=r"metric `los`: there is no such metric\. Did you mean `loss`"):
            draw_curves([run], pictures, ["los"])
        with pytest.raises(
            DataError, match=r"metrics\.jsonl: holds no metrics\. Train with the callback `metrics_log`"
        ):
            draw_curves([read_run(make_run(tmp_path / "empty", records=[]))], pictures)
