"""What all plugins of a room share in their configurations."""

import dataclasses
import json
import os
from typing import Annotated, Any, Literal

import pydantic

from source.config.settings import settings
from source.config.shown import shown

Mode = Literal["train", "evaluate", "infer", "export"]


def _as_mode(value: Any) -> Any:
    return "evaluate" if value == "eval" else value


def _as_tuple(value: Any) -> Any:
    """One item for many: `"a.csv"` and `"a.csv,b.csv"` are accepted where a tuple of text is wanted."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, (int, float, os.PathLike)) else value


def _as_path(value: Any) -> Any:
    """`~` and path objects are accepted where the text of a path is wanted."""
    return os.path.expanduser(os.fspath(value)) if isinstance(value, (str, os.PathLike)) else value


def _as_paths(value: Any) -> Any:
    value = _as_tuple(value)
    return tuple(_as_path(part) for part in value) if isinstance(value, (list, tuple)) else value


Names = Annotated[tuple[str, ...], pydantic.BeforeValidator(_as_tuple)]
Numbers = Annotated[tuple[float, ...], pydantic.BeforeValidator(_as_tuple)]
PathText = Annotated[str, pydantic.BeforeValidator(_as_path)]
Paths = Annotated[tuple[str, ...], pydantic.BeforeValidator(_as_paths)]


def _as_mappings(value: Any) -> Any:
    """The JSON text of a command line is accepted where a tuple of mappings is wanted."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected a list of mappings as JSON text: {error}. Received: {shown(value)}.") from None


Mappings = Annotated[tuple[dict[str, Any], ...], pydantic.BeforeValidator(_as_mappings)]


def require(condition: bool, name: str, expected: str, value: Any) -> None:
    """Raises the error of a setting that cannot be, unless `condition` holds.

    Args:
        condition: whether the value can be used.
        name: the setting's name.
        expected: what it must be, such as "positive".
        value: what came.

    Raises:
        ValueError: "`name` must be expected. Received: name=value."
    """
    if not condition:
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={shown(value)}.")


@settings
class Config:
    """What every part of an application knows.

    Attributes:
        mode: what the run does: "train", "evaluate" (also written "eval"), "infer" or "export". The runner's
            decides.
        batch_size_per_gpu: examples in a step on one device, at least 1.
        gpu_count: devices to use; None takes what the runner finds.
        seed: the number that order, augmentation, initial weights and dropout follow from.
    """

    mode: Annotated[Mode, pydantic.BeforeValidator(_as_mode)] = "train"
    batch_size_per_gpu: int = 64
    gpu_count: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.batch_size_per_gpu >= 1, "batch_size_per_gpu", "at least 1", self.batch_size_per_gpu)
        require(self.gpu_count is None or self.gpu_count >= 0, "gpu_count", "at least 0", self.gpu_count)
        require(0 <= self.seed < 2**31, "seed", "from 0 to 2^31 - 1", self.seed)


@settings
class InputterConfig(Config):
    """What every inputter knows.

    Attributes:
        epochs: how often the training data is gone through; fractions are allowed.
        dataset_meta: where the data is (files or folders), for the split that `mode` reads: training data
            unless `mode` is "evaluate".
        train_dataset_meta: training data; wins over `dataset_meta`.
        eval_dataset_meta: data to evaluate on; wins over `dataset_meta`.
        test_samples: files to predict on in mode "infer".
        validation_fraction: the share of each class of the training data that is kept for evaluation when no
            evaluation data is given, from 0 to below 1; drawn by `seed`.
        augmenter: name of an augmenter, for when `build` is given none.
        augmenter_options: settings of that augmenter.
        augmenter_speed_mode: do only what is needed to get the size right.
        batch_augmenter: name of an augmenter that mixes whole batches (`mixup`, `cutmix`).
        batch_augmenter_options: settings of that augmenter.
        cache: keep decoded examples in memory: "auto" when they fit, "never".
        cache_limit_mb: most memory for it, MiB; None takes a quarter of what is free.
        on_bad_example: "stop" with an error that names file and row, or "skip" and count it.
        num_parallel_calls: threads that decode and augment; None lets `tf.data` choose.
    """

    epochs: float = 1.0
    dataset_meta: Paths = ()
    train_dataset_meta: Paths = ()
    eval_dataset_meta: Paths = ()
    test_samples: Paths = ()
    validation_fraction: float = 0.0
    augmenter: str | None = None
    augmenter_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    augmenter_speed_mode: bool = False
    batch_augmenter: str | None = None
    batch_augmenter_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    cache: Literal["auto", "never"] = "auto"
    cache_limit_mb: float | None = None
    on_bad_example: Literal["stop", "skip"] = "stop"
    num_parallel_calls: int | None = None

    def __post_init__(self) -> None:
        Config.__post_init__(self)
        require(self.epochs > 0, "epochs", "positive", self.epochs)
        require(
            0 <= self.validation_fraction < 1,
            "validation_fraction",
            "from 0 to below 1",
            self.validation_fraction,
        )
        if self.mode == "evaluate" and self.dataset_meta and self.validation_fraction:
            raise ValueError(
                "`validation_fraction` splits training data, but with mode=evaluate `dataset_meta` is evaluated whole. "
                "Give the training data as `train_dataset_meta`. "
                f"Received: validation_fraction={self.validation_fraction}."
            )
        require(
            self.cache_limit_mb is None or self.cache_limit_mb > 0,
            "cache_limit_mb",
            "positive",
            self.cache_limit_mb,
        )
        require(
            self.num_parallel_calls is None or self.num_parallel_calls >= 1,
            "num_parallel_calls",
            "at least 1",
            self.num_parallel_calls,
        )

    @property
    def train_meta(self) -> tuple[str, ...]:
        """Where the training data is."""
        return self.train_dataset_meta or (self.dataset_meta if self.mode != "evaluate" else ())

    @property
    def evaluate_meta(self) -> tuple[str, ...]:
        """Where the data to evaluate on is."""
        return self.eval_dataset_meta or (self.dataset_meta if self.mode == "evaluate" else ())


@settings
class NetworkConfig:
    """What every network knows.

    Attributes:
        num_classes: width of the output, at least 1.
    """

    num_classes: int = 10

    def __post_init__(self) -> None:
        require(self.num_classes >= 1, "num_classes", "at least 1", self.num_classes)


@settings
class ModelerConfig(Config):
    """What every modeler knows: optimizer, learning rate, regularisation and precision.

    Attributes:
        network: name of a network, for when `build` is given none.
        network_options: settings of that network.
        optimizer: adadelta, adagrad, adam, adamw, ftrl, lion, momentum, muon, nadam, rmsprop or sgd.
        optimizer_options: arguments of that optimizer, by their Keras names.
        learning_rate: of the first step after warm-up, before the schedule; positive.
        lr_method: "step" (piecewise constant), "constant", "linear" (to zero), "cosine" (to zero) or
            "exponential".
        piecewise_boundaries: epochs at which the next factor of `piecewise_lr_decay` begins.
        piecewise_lr_decay: factors of `learning_rate`, one more than boundaries.
        exponential_decay: factor per `exponential_epochs`, for lr_method "exponential".
        exponential_epochs: epochs in which the rate falls by `exponential_decay`.
        base_batch_size: scale the learning rate by sqrt(batch / base_batch_size); None leaves it.
        warmup_epochs: epochs in which the rate rises linearly from near zero.
        l2_weight_decay: adds l2_weight_decay * sum(w^2) / 2 over the trainable weights to the loss.
        skip_l2_loss_vars: weights whose path contains one of these have no L2 term.
        trainable_vars: train only weights whose path contains one of these; empty trains all.
        clip_norm: longest allowed gradient, by the norm over all weights together; None allows any.
        accumulation_steps: parts a batch is worked off in, to save memory; divides the batch.
        ema_decay: keep an exponential moving average of the weights with this factor (such as 0.999) and
            evaluate
            with it; None keeps none.
        precision: "float32", "mixed_bfloat16" or "mixed_float16" (with loss scaling).
        compressor: name of a compressor, such as "magnitude_pruning", that prepares the model; None trains it as it is.
            Training then needs the callback `compression`.
        compressor_options: settings of that compressor; steps may be shares of the training, `"end_step": "60%"`.
    """

    network: str | None = None
    network_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    optimizer: str = "momentum"
    optimizer_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    learning_rate: float = 0.01
    lr_method: Literal["step", "constant", "linear", "cosine", "exponential"] = "step"
    piecewise_boundaries: Numbers = ()
    piecewise_lr_decay: Numbers = (1.0,)
    exponential_decay: float = 0.94
    exponential_epochs: float = 2.0
    base_batch_size: int | None = None
    warmup_epochs: float = 0.0
    l2_weight_decay: float = 0.0
    skip_l2_loss_vars: Names = ("gamma", "beta", "bias")
    trainable_vars: Names = ()
    clip_norm: float | None = None
    accumulation_steps: int = 1
    ema_decay: float | None = None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    compressor: str | None = None
    compressor_options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        Config.__post_init__(self)
        require(self.learning_rate > 0, "learning_rate", "positive", self.learning_rate)
        require(self.warmup_epochs >= 0, "warmup_epochs", "at least 0", self.warmup_epochs)
        require(self.l2_weight_decay >= 0, "l2_weight_decay", "at least 0", self.l2_weight_decay)
        require(self.clip_norm is None or self.clip_norm > 0, "clip_norm", "positive", self.clip_norm)
        require(self.accumulation_steps >= 1, "accumulation_steps", "at least 1", self.accumulation_steps)
        require(
            self.batch_size_per_gpu % self.accumulation_steps == 0,
            "accumulation_steps",
            f"a divisor of batch_size_per_gpu={self.batch_size_per_gpu}",
            self.accumulation_steps,
        )
        require(self.ema_decay is None or 0 < self.ema_decay < 1, "ema_decay", "between 0 and 1", self.ema_decay)
        require(
            self.base_batch_size is None or self.base_batch_size > 0,
            "base_batch_size",
            "positive",
            self.base_batch_size,
        )
        require(
            0 < self.exponential_decay <= 1,
            "exponential_decay",
            "above 0 and at most 1",
            self.exponential_decay,
        )
        require(self.exponential_epochs > 0, "exponential_epochs", "positive", self.exponential_epochs)
        require(
            list(self.piecewise_boundaries) == sorted(set(self.piecewise_boundaries)),
            "piecewise_boundaries",
            "rising",
            self.piecewise_boundaries,
        )
        require(
            len(self.piecewise_lr_decay) == len(self.piecewise_boundaries) + 1,
            "piecewise_lr_decay",
            f"one longer than piecewise_boundaries={self.piecewise_boundaries}",
            self.piecewise_lr_decay,
        )
        require(
            self.compressor is not None or not self.compressor_options,
            "compressor_options",
            "empty as long as `compressor` names none",
            self.compressor_options,
        )


@settings
class CallbackConfig(Config):
    """What every callback knows: where to write, and how often.

    Attributes:
        model_dir: folder of the run: checkpoints, summaries and metrics are written below it.
        log_every_n_iter: steps between two printed lines.
        save_summary_steps: steps between two TensorBoard summaries.
        save_checkpoints_steps: steps between two checkpoints; one more is saved at the end.
        keep_checkpoint_max: newest checkpoints to keep, at least 1.
        pretrained_model: checkpoint, weights file or folder of a run to take in any mode when the run has no checkpoint
            of its own.
        pretrained_rules: name of shipped rules, or a file of rules, that say what becomes of each array of
            `pretrained_model`; None takes what agrees in name and shape.
        skip_pretrained_var: weights whose path contains one of these are not taken from it.
        callbacks: names of callbacks, for when an application is assembled from names.
        export_dir: folder of exported models, below `model_dir` unless absolute.
        export_version: folder below `export_dir`, a whole number for TensorFlow Serving.
    """

    model_dir: PathText = "runs/default"
    log_every_n_iter: int = 10
    save_summary_steps: int = 100
    save_checkpoints_steps: int = 1000
    keep_checkpoint_max: int = 1
    pretrained_model: PathText | None = None
    pretrained_rules: PathText | None = None
    skip_pretrained_var: Names = ()
    callbacks: Names = ()
    export_dir: PathText = "export"
    export_version: str = "1"

    def __post_init__(self) -> None:
        Config.__post_init__(self)
        for name in (
            "log_every_n_iter",
            "save_summary_steps",
            "save_checkpoints_steps",
            "keep_checkpoint_max",
        ):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        require(
            self.pretrained_rules is None or self.pretrained_model is not None,
            "pretrained_rules",
            "None as long as `pretrained_model` names no file",
            self.pretrained_rules,
        )
        # An exporter that overwrites removes the folder of this name, so it must not lead anywhere else.
        is_name = self.export_version not in ("", ".", "..") and not {"/", "\\"} & set(self.export_version)
        require(is_name, "export_version", "the name of one folder", self.export_version)


@settings
class RunnerConfig(Config):
    """What every runner knows: the loop, determinism and when to evaluate.

    Attributes:
        model_dir: folder of the run, for checkpoints; None takes the callbacks'.
        max_steps: end after this many steps; None follows from the inputter's epochs.
        evaluate_every_epochs: epochs between two evaluations while training; 0 evaluates only when asked.
        max_steps_per_call: most steps that run in the graph before Python looks around.
        deterministic: make every operation give the same bits in every run; needs TF_NUM_INTEROP_THREADS=1 in the
            environment if anything has used TensorFlow before the run.
        jit_compile: compile the step with XLA.
        dry_run: one training step, one batch of evaluation, nothing saved.
        allow_untrained: evaluate, infer and export also weights that no training has made here, such as those that a
            network brought with it; otherwise that is an error.
        overfit_one_batch: train on the first batch only, without augmentation, to see that the model can
            learn.
        summary_names: outputs that `train_summary` writes; empty writes all.
        exporters: names of the exporters that mode "export" runs.
        exporter_options: settings of exporters, by the exporter's name.
    """

    model_dir: PathText | None = None
    max_steps: int | None = None
    evaluate_every_epochs: float = 1.0
    max_steps_per_call: int = 1000
    deterministic: bool = False
    jit_compile: bool = False
    dry_run: bool = False
    allow_untrained: bool = False
    overfit_one_batch: bool = False
    summary_names: Names = ()
    exporters: Names = ("saved_model",)
    exporter_options: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        Config.__post_init__(self)
        require(self.max_steps is None or self.max_steps >= 1, "max_steps", "at least 1", self.max_steps)
        require(self.evaluate_every_epochs >= 0, "evaluate_every_epochs", "at least 0", self.evaluate_every_epochs)
        require(self.max_steps_per_call >= 1, "max_steps_per_call", "at least 1", self.max_steps_per_call)


@settings
class CompressorConfig:
    """What every compressor knows: which layers it treats otherwise than its settings say.

    Attributes:
        rules: mappings of `match` (`name`, `type`, `weight`) and `do` (settings, or "skip"); every rule that matches
            applies, later ones win. On a command line, JSON text.
    """

    rules: Mappings = ()
