"""Tests of the scalars of runs and their table."""

import pytest

from source.command.record.event_series import chosen, read_runs, table
from source.config.errors import DataError
from tests.command.record.events import restart, scalar, write


@pytest.fixture
def runs(tmp_path):
    write(tmp_path / "a" / "tensorboard" / "train", scalar(1, "loss", 0.5), scalar(3, "loss", 0.25))
    write(tmp_path / "a" / "tensorboard" / "validation", scalar(3, "accuracy", 0.75))
    write(tmp_path / "b", scalar(1, "loss", 2.0))
    write(tmp_path / "b" / "eval", scalar(2, "loss", 1e-12))
    return tmp_path


def test_folders_of_one_run_are_named_by_what_lies_below_it(runs):
    series, faults = read_runs([runs / "a"])
    assert [each.name for each in series] == ["train:loss", "validation:accuracy"]
    assert faults == []


def test_several_runs_are_named_by_their_folders(runs):
    series, _ = read_runs([runs / "a", runs / "b"])
    names = ["a/train:loss", "a/validation:accuracy", "b/eval:loss", "b:loss"]
    assert [each.name for each in series] == names
    series, _ = read_runs([runs])
    assert [each.name for each in series] == names


def test_runs_of_the_same_name_are_told_apart_by_their_path(runs):
    write(runs / "more" / "b", scalar(1, "loss", 3.0))
    series, _ = read_runs([runs / "b" / "eval", runs / "b", runs / "more" / "b"])
    names = {each.name for each in series}
    assert f"{(runs / 'b').as_posix()}:loss" in names and f"{(runs / 'more' / 'b').as_posix()}:loss" in names


def test_steps_are_the_union_of_all_steps(runs):
    columns, rows = table(read_runs([runs / "a"])[0])
    assert columns == ["step", "train:loss", "validation:accuracy"]
    assert rows == [["1", "0.5", ""], ["3", "0.25", "0.75"]]
    assert [row[0] for row in table(read_runs([runs / "a"])[0], newest_first=True)[1]] == ["3", "1"]
    assert table(read_runs([runs / "a"])[0], steps=[3])[1] == [["3", "0.25", "0.75"]]
    assert table(read_runs([runs / "b" / "eval"])[0])[1] == [["2", "1e-12"]]


def test_a_step_without_points_is_refused(runs):
    with pytest.raises(DataError, match=r"no scalar has a point at step 2\. The last one is at 3\."):
        table(read_runs([runs / "a"])[0], steps=[2])


def test_a_restart_takes_back_points_also_of_older_files(tmp_path):
    write(tmp_path, scalar(1, "loss", 1.0), scalar(2, "loss", 2.0), scalar(2, "old", 9.0), name="tfevents.1")
    write(tmp_path, restart(2), scalar(2, "loss", 3.0), name="tfevents.2")
    [series] = read_runs([tmp_path])[0]
    assert series.points == {1: 1.0, 2: 3.0}


def test_a_damaged_file_gives_what_stands_before_and_a_line(tmp_path):
    path = write(tmp_path, scalar(1, "loss", 1.0), scalar(2, "loss", 2.0))
    path.write_bytes(path.read_bytes()[:-3])
    series, faults = read_runs([path])
    assert series[0].points == {1: 1.0} and series[0].run == tmp_path.name
    assert len(faults) == 1 and "ends within the record" in faults[0]


def test_scalars_are_chosen_by_patterns(runs):
    series, _ = read_runs([runs / "a", runs / "b"])
    assert [each.name for each in chosen(series, ["*accuracy", "b:*"])] == ["a/validation:accuracy", "b:loss"]
    assert chosen(series, []) == series
    with pytest.raises(DataError, match=r"no scalar matches `los`\. Did you mean `loss`"):
        chosen(series, ["los"])


def test_places_without_event_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="none: there is no such file or folder"):
        read_runs([tmp_path / "none"])
    with pytest.raises(DataError, match=r"expected event files \(\*tfevents\*\) here or below"):
        read_runs([tmp_path])
