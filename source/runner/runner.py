"""The base of all runners: assembles the parts and runs them in one of four modes."""

import abc
import contextlib
import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from source.callback.callback import Callback
from source.callback.schedule import EveryEpoch, Never, Schedule
from source.config.config import Mode, RunnerConfig
from source.config.errors import CheckpointError, ConfigError
from source.config.plugin import resolve
from source.config.settings import from_mapping
from source.runner._determinism import make_deterministic
from source.runner._events import CallbackList
from source.runner._interruption import Interruption
from source.runner._outcome import recorded_outcome
from source.runner._passes import EvaluationPass, predictions
from source.runner._record import write_run_record
from source.runner._run import ActiveRun
from source.runner._train_loop import TrainLoop
from source.runner._training import train_to_end

_EXIT_CODES = {"SIGTERM": 0, "SIGINT": 130}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run gives back.

    Attributes:
        step: training steps behind the weights.
        metrics: scalars of the last evaluation; empty if there was none.
        paths: models that mode "export" wrote.
    """

    step: int
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    paths: tuple[pathlib.Path, ...] = ()


class Runner(abc.ABC):
    """Runs an inputter, a modeler and callbacks; subclasses say on which devices.

    Attributes:
        config: the runner's settings.
        inputter: where batches come from.
        modeler: forward pass, loss, gradients, metrics.
        callbacks: callbacks in the order in which they are called.
    """

    def __init__(
        self,
        config: RunnerConfig,
        inputter: Any,
        modeler: Any,
        callbacks: Sequence[Callback] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Stores the parts; nothing is read or built yet.

        Args:
            config: the runner's settings.
            inputter: an inputter.
            modeler: a modeler.
            callbacks: callbacks in the order in which they are to be called.
            clock: returns seconds; for tests.
        """
        self.config = config
        self.inputter = inputter
        self.modeler = modeler
        self.callbacks = list(callbacks)
        self._clock = clock
        self._step = 0
        self._built = False
        self._evaluation: EvaluationPass | None = None
        self._evaluated: Any = None

    @property
    @abc.abstractmethod
    def replicas(self) -> int:
        """How many copies of the model work on a global batch."""

    @abc.abstractmethod
    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Returns the context in which variables are created."""

    @abc.abstractmethod
    def distribute(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Returns a step over a global batch, made of a step over the batch of one replica."""

    def run(self) -> Result:
        """Runs the mode of the configuration and returns what came out."""
        modes = {"train": self.train, "evaluate": self.evaluate, "infer": self.infer, "export": self.export}
        return modes[self.config.mode]()

    def train(self) -> Result:
        """Trains up to the last step, going on from the newest checkpoint if a callback restores it.

        Raises:
            EspalierError: for whatever the user can mend: settings, data, checkpoints.
            SystemExit: when the state has been saved, with status 0 after SIGTERM and 130 after Ctrl-C.
        """
        with self._session("train") as run, Interruption() as interruption:
            self._check_compression(run)
            run.interruption = interruption
            run.max_step = self.last_step()
            with recorded_outcome(run):
                run.callbacks.before_run(run)
                metrics = self._train(run, interruption)
                run.callbacks.after_run(run)
                run.save_requested()
        if self.config.dry_run:
            run.say("The dry run went well: one step of training and one batch of evaluation; nothing was saved.")
        if interruption.reason is not None:
            run.say(f"Stopped by {interruption.reason} after step {run.step:,}. Run it again to go on.")
            raise SystemExit(_EXIT_CODES[interruption.reason])
        return Result(run.step, metrics)

    def evaluate(self, step: int | None = None) -> Result:
        """Evaluates the restored weights on every example of the evaluation data exactly once.

        Args:
            step: of the checkpoint to restore; None takes the newest.
        """
        with self._session("evaluate") as run:
            run.wanted_step = step
            self._restore(run)
            metrics = self._evaluate(run)
            run.callbacks.after_run(run)
        return Result(run.step, metrics)

    def infer(self) -> Result:
        """Predicts the test samples of the inputter; callbacks receive the predictions batch by batch."""
        with self._session("infer") as run:
            self._restore(run)
            dataset = self.inputter.input_fn("infer", replicas=self.replicas)
            with self.modeler.evaluation_weights(), run.naming_bad_examples("infer"):
                for outputs in predictions(self.modeler.predict_step, dataset):
                    run.callbacks.after_predict(run, outputs)
            run.callbacks.after_run(run)
        return Result(run.step)

    def export(self, names: Sequence[str] | None = None, overwrite: bool = False) -> Result:
        """Writes the restored weights with exporters.

        Args:
            names: of the exporters; None takes every one of the configuration.
            overwrite: replace what they wrote before, whatever their settings say.
        """
        with self.restored() as run, self.modeler.finished_model():
            chosen = self.config.exporters if names is None else names
            paths = tuple(self._export_with(name, run, overwrite) for name in chosen)
        return Result(run.step, paths=paths)

    @contextlib.contextmanager
    def restored(self) -> Iterator[ActiveRun]:
        """Lets the modeler hold the restored weights that evaluation sees, as mode "export" restores them."""
        with self._session("export") as run:
            self._restore(run)
            with self.modeler.evaluation_weights():
                yield run
            run.callbacks.after_run(run)

    def last_step(self) -> int:
        """Returns how many steps training has done at its end, unless it is ended early."""
        return 1 if self.config.dry_run else self.config.max_steps or self.inputter.max_step(self.replicas)

    @contextlib.contextmanager
    def _session(self, mode: Mode) -> Iterator[ActiveRun]:
        """Builds what the mode needs; a dry run writes into a folder that is gone afterwards."""
        with contextlib.ExitStack() as stack:
            model_dir = self._model_dir()
            if self.config.dry_run and mode == "train":
                model_dir = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dry-run-")))
            self._build()
            run = ActiveRun(
                mode=mode,
                config=self.config,
                inputter=self.inputter,
                modeler=self.modeler,
                callbacks=CallbackList(self.callbacks, mode, self.inputter.batch_size(self.replicas)),
                model_dir=model_dir,
                replicas=self.replicas,
                scope=self.scope,
            )
            run.step = self._step
            if mode == "train" and model_dir is not None:
                compressor = {} if (made := self.modeler.compressor) is None else {"compressor": made}
                parts = {"inputter": self.inputter, "modeler": self.modeler, "runner": self, **compressor}
                write_run_record(model_dir, parts, self.callbacks)
            yield run
            self._step = run.step

    def _build(self) -> None:
        """Creates the model and the optimizer once; further modes of the same runner use them again."""
        if self._built:
            return
        if self.config.deterministic:
            make_deterministic()
        self.modeler.get_dataset_info(self.inputter, self.replicas)
        if self.config.max_steps is not None:
            self.modeler.max_step = self.config.max_steps  # schedules that fall to zero do so at the real end
        with self.scope():
            self.modeler.build()
        self._built = True

    def _check_compression(self, run: ActiveRun) -> None:
        """Refuses to train with a compressor that no callback tells the steps.

        Raises:
            ConfigError: naming the callback that is missing.
        """
        compressor = self.modeler.compressor
        if compressor is not None and not run.callbacks.compress:
            raise ConfigError(
                f"callbacks: the modeler has the compressor `{compressor.name}`, but no callback tells it the steps: "
                "nothing would be compressed. Add the callback `compression`."
            )

    def _restore(self, run: ActiveRun) -> None:
        """Lets the callbacks restore weights, and refuses those that no training has made.

        Raises:
            CheckpointError: if nothing was restored and this runner has not trained.
        """
        run.callbacks.before_run(run)
        if run.step == 0 and not (run.has_pretrained_weights or self.config.allow_untrained):
            raise CheckpointError(
                f"There are no trained weights to {run.mode} with: no callback restored any. Put the callback that "
                f"restores first (`eval_basic`, `infer_basic`, `export_basic`), or set `allow_untrained`."
            )

    def _train(self, run: ActiveRun, interruption: Interruption) -> Mapping[str, float]:
        if run.step >= run.max_step:
            run.say(f"Training is complete: {run.step:,} of {run.max_step:,} steps are done.")
            return {}
        dataset = self.inputter.input_fn(
            "train", run.step, self.replicas, overfit_one_batch=self.config.overfit_one_batch
        )
        loop = TrainLoop(self.distribute(self.modeler.train_step), interruption.flag, self.config.jit_compile)
        metrics = train_to_end(
            run, loop, iter(dataset), self._evaluation_schedule(), lambda: self._evaluate(run), self._clock
        )
        if run.stop_reason is not None:
            run.say(f"Training ends at step {run.step:,}: {run.stop_reason}")
        return metrics

    def _evaluation_schedule(self) -> Schedule:
        every = self.config.evaluate_every_epochs
        return EveryEpoch(every) if every and self.inputter.has_evaluation_data else Never()

    def _evaluate(self, run: ActiveRun) -> Mapping[str, float]:
        """Returns the metrics over the whole evaluation data, after telling the callbacks."""
        started = self._clock()
        self.modeler.reset_metrics()
        with self.modeler.evaluation_weights(), run.naming_bad_examples("evaluate"):
            self._evaluation_pass().run()
        metrics = {
            **self.modeler.metric_results(),
            "examples": float(self.inputter.get_num_samples("evaluate")),
            "seconds": self._clock() - started,
        }
        run.say_texts(run.callbacks.after_evaluate(run, metrics))
        return metrics

    def _evaluation_pass(self) -> EvaluationPass:
        """The pass over the evaluation data, traced once for all evaluations of a model."""
        if self._evaluation is None or self._evaluated is not self.modeler.model:
            if not self.inputter.has_evaluation_data:
                raise ConfigError(
                    "eval_dataset_meta: there is no data to evaluate on. Set it, or set `validation_fraction` above 0."
                )
            batches = self.inputter.input_fn("evaluate", replicas=self.replicas)
            batches = batches.take(1) if self.config.dry_run else batches
            self._evaluated = self.modeler.model
            self._evaluation = EvaluationPass(self.distribute(self.modeler.evaluate_step), batches)
        return self._evaluation

    def _export_with(self, name: str, run: ActiveRun, overwrite: bool) -> pathlib.Path:
        """Runs one exporter; its folder is `export_dir/export_version`, below the folder of the run."""
        export_dir = pathlib.Path(self._callbacks_setting("export_dir", "export"))
        version = self._callbacks_setting("export_version", "1")
        module = resolve("exporter", name)
        options = {**self.config.exporter_options.get(name, {}), **({"overwrite": True} if overwrite else {})}
        config = from_mapping(module.Config, options, f"exporter_options.{name}")
        folder = (run.model_dir or pathlib.Path()) / export_dir / version
        path = module.build(config).export(self.modeler, self.inputter, folder)
        run.say(f"{name}: wrote {path}.")
        return path

    def _model_dir(self) -> pathlib.Path | None:
        named = self.config.model_dir or self._callbacks_setting("model_dir", None)
        return pathlib.Path(named) if named else None

    def _callbacks_setting(self, name: str, default: Any) -> Any:
        """The value of a setting in the first callback that has it."""
        configs = (getattr(callback, "config", None) for callback in self.callbacks)
        return next((getattr(config, name) for config in configs if hasattr(config, name)), default)
