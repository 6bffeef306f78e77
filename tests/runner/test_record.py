import json
import subprocess

import keras
import pytest

from source.callback import train_loss
from source.config.config import CallbackConfig, RunnerConfig
from source.config.errors import ConfigError
from source.config.settings import from_mapping
from source.runner import single_device_runner
from source.runner._record import sources, write_run_record


def test_the_record_names_versions_and_every_part_and_can_be_built_from_again(tmp_path):
    runner = single_device_runner.build(RunnerConfig(max_steps=7), None, None)
    callback = train_loss.build(CallbackConfig(log_every_n_iter=3))
    write_run_record(tmp_path / "new", {"runner": runner}, [callback])
    record = json.loads((tmp_path / "new" / "run.json").read_text())
    assert record["versions"]["keras"] == keras.__version__
    assert record["runner"]["module"] == "source.runner.single_device_runner"
    assert record["runner"]["class"] == "source.runner.single_device_runner.SingleDeviceRunner"
    assert from_mapping(single_device_runner.Config, record["runner"]["config"]) == runner.config
    assert record["callbacks"][0]["config"]["log_every_n_iter"] == 3


def test_a_part_without_settings_is_recorded_too(tmp_path):
    write_run_record(tmp_path, {"inputter": object()}, [])
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["inputter"] == {"class": "builtins.object", "module": "builtins", "config": {}}


def test_a_folder_that_cannot_be_made_is_a_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^model_dir: .*file cannot be written: File exists\.$"):
        write_run_record(tmp_path / "file", {}, [])


def git(*words):
    named = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    subprocess.run(["git", *named, *words], check=True, capture_output=True)


def test_the_state_of_git_is_recorded_where_there_is_a_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert sources() == {}
    git("init", "-q")
    assert sources() == {}  # nothing was ever committed
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "one")
    found = sources()["git"]
    assert (len(found["commit"]), found["dirty"]) == (40, False)
    (tmp_path / "b").write_text("not of the repository")
    (tmp_path / "a").write_text("2")
    assert sources() == {"git": {"commit": found["commit"], "dirty": True}}
    write_run_record(tmp_path / "run", {}, [])
    assert json.loads((tmp_path / "run" / "run.json").read_text())["git"] == sources()["git"]


def test_without_git_nothing_is_said_of_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert sources() == {}
