"""Tests of applications made from flags: modes, names, defaults, help. Parts are not assembled here."""

import pytest

from source.command import application
from source.command.application import Application
from source.command.assembly import Names
from source.command.parser import UsageError
from source.config.config import InputterConfig, RunnerConfig

APPLICATION = Application(
    description="Sorts leaves.",
    inputter="leaves",
    modeler="sorter",
    runner="one_device",
    callbacks={"train": ("a", "b"), "evaluate": ("c",), "infer": ("d",), "export": ("e",)},
    configs=(InputterConfig, RunnerConfig),
    defaults={"epochs": 5, "network": "tiny"},
)


@pytest.fixture
def run(monkeypatch):
    """A function that runs flags and returns what would have been assembled and run."""

    class Runner:
        ran = False

        def run(self):
            self.ran = True

    def run(*arguments):
        seen, runner = [], Runner()
        monkeypatch.setattr(application, "assemble", lambda *given: seen.append(given) or runner)
        assert APPLICATION.run(arguments) == 0
        assert runner.ran
        names, settings, configs = seen[0]
        assert configs == APPLICATION.configs
        return names, settings

    return run


def refused(*arguments):
    with pytest.raises(UsageError) as caught:
        APPLICATION.run(arguments)
    return str(caught.value)


def test_without_flags_it_trains_with_its_defaults(run):
    assert run() == (
        Names(inputter="leaves", modeler="sorter", runner="one_device", callbacks=["a", "b"]),
        {"epochs": 5, "network": "tiny", "mode": "train"},
    )


def test_flags_go_before_defaults(run):
    _, settings = run("--network=other", "--epochs", "7", "--network_options.dropout=0.3")
    assert settings == {"epochs": "7", "network": "other", "network_options": {"dropout": 0.3}, "mode": "train"}


def test_every_place_can_be_given_another_plugin(run):
    flags = ["--inputter=i", "--modeler", "m", "--runner=r", "--callbacks=x, y,"]
    assert run(*flags)[0] == Names(inputter="i", modeler="m", runner="r", callbacks=["x", "y"])


@pytest.mark.parametrize(
    ("arguments", "mode", "callback"),
    [
        (["--mode=train"], "train", "a"),
        (["--mode", "eval"], "evaluate", "c"),
        (["--mode=evaluate"], "evaluate", "c"),
        (["eval_args"], "evaluate", "c"),
        (["--mode=eval", "eval_args"], "evaluate", "c"),
        (["infer_args", "--mode=infer"], "infer", "d"),
        (["export_args", "export_args"], "export", "e"),
    ],
)
def test_flags_and_section_words_name_the_mode(run, arguments, mode, callback):
    names, settings = run(*arguments)
    assert settings["mode"] == mode
    assert names.callbacks[0] == callback


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode=trian"], "--mode: unknown mode `trian`. Did you mean `train`?"),
        (["--mode="], "--mode: needs a value, such as --mode=train."),
        (["--mode"], "--mode: needs a value, such as --mode=train."),
        (
            ["--mode=train", "eval_args"],
            "--mode: the mode cannot be both train and evaluate. Received: --mode=train eval_args.",
        ),
        (
            ["train_args", "infer_args"],
            "--mode: the mode cannot be both train and infer. Received: train_args infer_args.",
        ),
        (["--callbacks="], "--callbacks: needs a value, such as --callbacks=a,b."),
        (["--callbacks=,"], "--callbacks: needs a value, such as --callbacks=a,b."),
        (["--inputter", "--epochs=3"], "--inputter: needs a value, such as --inputter=leaves."),
    ],
)
def test_a_mistake_is_told(arguments, message):
    assert refused(*arguments) == message


@pytest.mark.parametrize("arguments", [["--mode=tune"], ["tune_args", "--tune_config=a.yaml"]])
def test_tuning_says_what_there_is_instead(arguments):
    message = "--mode: there is no mode tune here. Compare settings by runs with --mode=train"
    assert refused(*arguments).startswith(message)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--mode=trian", "--help"]])
def test_help_lists_every_flag_once(capsys, arguments):
    assert APPLICATION.run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Sorts leaves."
    assert "  --mode {train,eval,infer,export} = train" in lines
    assert "  --callbacks = train: a,b; evaluate: c; infer: d; export: e" in lines
    assert "  --epochs: float = 5" in lines
    assert "  --max_steps: int | None = None" in lines
    assert lines[-1].startswith("Plugins may have more; `espalier help ROOM.NAME` lists them: inputter.leaves, ")
    flags = [line.split()[0].rstrip(":") for line in lines if line.startswith("  --")]
    assert len(flags) == len(set(flags))
