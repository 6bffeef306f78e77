import dataclasses
import inspect
import pathlib

import pytest

from source.config import config, image_classification_config
from source.config.config import (
    CallbackConfig,
    Config,
    InputterConfig,
    ModelerConfig,
    NetworkConfig,
    RunnerConfig,
    require,
)
from source.config.errors import ConfigError
from source.config.settings import from_mapping, to_mapping

MODULES = (config, image_classification_config)
ALL = sorted(
    {value for module in MODULES for value in vars(module).values() if dataclasses.is_dataclass(value)},
    key=lambda cls: cls.__name__,
)


def test_require_passes_or_tells_name_and_value():
    require(True, "width", "positive", -3)
    with pytest.raises(ValueError, match=r"^`width` must be positive\. Received: width=-3\.$"):
        require(False, "width", "positive", -3)


@pytest.mark.parametrize("cls", ALL)
def test_every_field_is_documented(cls):
    documented = {
        line.split(":")[0].strip()
        for base in cls.__mro__
        for line in (inspect.getdoc(base) or "").splitlines()
        if line.startswith("    ") and not line.startswith("     ") and ":" in line
    }
    assert {field.name for field in dataclasses.fields(cls)} - documented == set()


@pytest.mark.parametrize("cls", ALL)
def test_defaults_are_allowed_and_survive_a_mapping(cls):
    assert from_mapping(cls, to_mapping(cls())) == cls()


@pytest.mark.parametrize("cls", ALL)
def test_every_default_is_of_its_annotated_type(cls):
    """Defaults are not checked when a configuration is built, so they are checked here."""
    given = {field.name: getattr(cls(), field.name) for field in dataclasses.fields(cls)}
    assert cls(**given) == cls()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("train", "train"),
        ("eval", "evaluate"),
        ("evaluate", "evaluate"),
        ("infer", "infer"),
        ("export", "export"),
    ],
)
def test_there_are_four_modes_and_eval_is_short_for_one(mode, expected):
    assert Config(mode=mode).mode == expected


def test_a_misspelt_mode_offers_the_nearest():
    with pytest.raises(ConfigError) as caught:
        Config(mode="evl")
    assert str(caught.value) == (
        "mode: expected 'train', 'evaluate', 'infer' or 'export'. Received: 'evl'. Did you mean `evaluate`?"
    )


@pytest.mark.parametrize(
    ("cls", "fields", "message"),
    [
        (Config, {"batch_size_per_gpu": 0}, "`batch_size_per_gpu` must be at least 1."),
        (Config, {"gpu_count": -1}, "`gpu_count` must be at least 0."),
        (Config, {"seed": -1}, "`seed` must be from 0 to 2^31 - 1."),
        (Config, {"seed": 2**31}, "`seed` must be from 0 to 2^31 - 1."),
        (InputterConfig, {"epochs": 0}, "`epochs` must be positive."),
        (InputterConfig, {"validation_fraction": 1.0}, "`validation_fraction` must be from 0 to below 1."),
        (InputterConfig, {"validation_fraction": -0.1}, "`validation_fraction` must be from 0 to below 1."),
        (InputterConfig, {"cache_limit_mb": 0}, "`cache_limit_mb` must be positive."),
        (InputterConfig, {"num_parallel_calls": 0}, "`num_parallel_calls` must be at least 1."),
        (InputterConfig, {"batch_size_per_gpu": 0}, "`batch_size_per_gpu` must be at least 1."),
        (NetworkConfig, {"num_classes": 0}, "`num_classes` must be at least 1."),
        (ModelerConfig, {"learning_rate": 0}, "`learning_rate` must be positive."),
        (ModelerConfig, {"warmup_epochs": -1}, "`warmup_epochs` must be at least 0."),
        (ModelerConfig, {"l2_weight_decay": -1}, "`l2_weight_decay` must be at least 0."),
        (ModelerConfig, {"clip_norm": 0}, "`clip_norm` must be positive."),
        (ModelerConfig, {"accumulation_steps": 0}, "`accumulation_steps` must be at least 1."),
        (
            ModelerConfig,
            {"accumulation_steps": 3},
            "`accumulation_steps` must be a divisor of batch_size_per_gpu=64.",
        ),
        (ModelerConfig, {"ema_decay": 1.0}, "`ema_decay` must be between 0 and 1."),
        (ModelerConfig, {"ema_decay": 0.0}, "`ema_decay` must be between 0 and 1."),
        (ModelerConfig, {"base_batch_size": 0}, "`base_batch_size` must be positive."),
        (ModelerConfig, {"exponential_decay": 0.0}, "`exponential_decay` must be above 0 and at most 1."),
        (ModelerConfig, {"exponential_decay": 1.5}, "`exponential_decay` must be above 0 and at most 1."),
        (ModelerConfig, {"exponential_epochs": 0}, "`exponential_epochs` must be positive."),
        (
            ModelerConfig,
            {"piecewise_boundaries": (2, 1), "piecewise_lr_decay": (1, 1, 1)},
            "`piecewise_boundaries` must be rising.",
        ),
        (
            ModelerConfig,
            {"piecewise_boundaries": (1, 1), "piecewise_lr_decay": (1, 1, 1)},
            "`piecewise_boundaries` must be rising.",
        ),
        (
            ModelerConfig,
            {"piecewise_boundaries": (1,)},
            "`piecewise_lr_decay` must be one longer than piecewise_boundaries=(1.0,).",
        ),
        (ModelerConfig, {"batch_size_per_gpu": 0}, "`batch_size_per_gpu` must be at least 1."),
        (CallbackConfig, {"log_every_n_iter": 0}, "`log_every_n_iter` must be at least 1."),
        (CallbackConfig, {"save_summary_steps": 0}, "`save_summary_steps` must be at least 1."),
        (CallbackConfig, {"save_checkpoints_steps": 0}, "`save_checkpoints_steps` must be at least 1."),
        (CallbackConfig, {"keep_checkpoint_max": 0}, "`keep_checkpoint_max` must be at least 1."),
        (
            CallbackConfig,
            {"pretrained_rules": "r.yaml"},
            "`pretrained_rules` must be None as long as `pretrained_model` names no file.",
        ),
        (CallbackConfig, {"batch_size_per_gpu": 0}, "`batch_size_per_gpu` must be at least 1."),
        (RunnerConfig, {"max_steps": 0}, "`max_steps` must be at least 1."),
        (RunnerConfig, {"evaluate_every_epochs": -1}, "`evaluate_every_epochs` must be at least 0."),
        (RunnerConfig, {"max_steps_per_call": 0}, "`max_steps_per_call` must be at least 1."),
        (RunnerConfig, {"batch_size_per_gpu": 0}, "`batch_size_per_gpu` must be at least 1."),
    ],
)
def test_refuses_what_cannot_be(cls, fields, message):
    with pytest.raises(ConfigError) as caught:
        cls(**fields)
    assert str(caught.value).startswith(f"{cls.__name__}: {message} Received: ")


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (Config, {"seed": 2**31 - 1, "gpu_count": 0}),
        (InputterConfig, {"epochs": 0.5, "validation_fraction": 0.0}),
        (ModelerConfig, {"accumulation_steps": 4, "exponential_decay": 1.0, "ema_decay": 0.999}),
        (ModelerConfig, {"piecewise_boundaries": "2,4.5", "piecewise_lr_decay": "1,0.1,0.01"}),
        (RunnerConfig, {"evaluate_every_epochs": 0, "max_steps": 1}),
    ],
)
def test_allows_what_lies_on_the_edge(cls, fields):
    assert cls(**fields) != cls()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.csv", ("a.csv",)),
        ("a.csv, b.csv", ("a.csv", "b.csv")),
        ("", ()),
        (["a.csv", pathlib.Path("b") / "c.csv"], ("a.csv", "b/c.csv")),
        (pathlib.Path("a.csv"), ("a.csv",)),
        ((), ()),
    ],
)
def test_paths_may_be_one_or_many_text_or_objects(given, expected):
    assert InputterConfig(dataset_meta=given).dataset_meta == expected


def test_a_tilde_is_the_home_of_the_user(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert CallbackConfig(model_dir="~/runs").model_dir == "/home/someone/runs"
    assert InputterConfig(test_samples=["~/a.png", "b~.png"]).test_samples == (
        "/home/someone/a.png",
        "b~.png",
    )
    assert RunnerConfig(model_dir=pathlib.Path("~/runs")).model_dir == "/home/someone/runs"


def test_numbers_may_be_one_or_many_or_text():
    def boundaries(value, count):
        decay = [1.0] * (count + 1)
        return ModelerConfig(piecewise_boundaries=value, piecewise_lr_decay=decay).piecewise_boundaries

    assert boundaries(2, 1) == (2.0,)
    assert boundaries("2", 1) == (2.0,)
    assert boundaries("2, 4", 2) == (2.0, 4.0)
    assert boundaries([2, 4.5], 2) == (2.0, 4.5)


@pytest.mark.parametrize(
    ("mode", "train", "evaluate"), [("train", ("a",), ()), ("infer", ("a",), ()), ("evaluate", (), ("a",))]
)
def test_dataset_meta_is_for_the_split_that_the_mode_reads(mode, train, evaluate):
    given = InputterConfig(mode=mode, dataset_meta="a")
    assert (given.train_meta, given.evaluate_meta) == (train, evaluate)


@pytest.mark.parametrize("mode", ["train", "evaluate", "infer"])
def test_the_meta_of_a_split_goes_before_dataset_meta(mode):
    given = InputterConfig(mode=mode, dataset_meta="a", train_dataset_meta="t", eval_dataset_meta="e")
    assert (given.train_meta, given.evaluate_meta) == (("t",), ("e",))


def test_a_split_that_evaluation_would_not_see_is_refused():
    with pytest.raises(ConfigError, match=r"`dataset_meta` is evaluated whole\. Give the training data as `train_"):
        InputterConfig(mode="evaluate", dataset_meta="a", validation_fraction=0.1)
    assert InputterConfig(mode="evaluate", train_dataset_meta="a", validation_fraction=0.1).evaluate_meta == ()


def test_the_version_of_an_export_may_be_written_as_a_number():
    assert CallbackConfig(export_version=2).export_version == "2"


@pytest.mark.parametrize("version", ["", ".", "..", "../checkpoints", "a\\b"])
def test_the_version_of_an_export_leads_to_no_other_folder(version):
    with pytest.raises(
        ConfigError, match=r"`export_version` must be the name of one folder\. Received: export_version="
    ):
        CallbackConfig(export_version=version)
