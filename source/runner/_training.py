"""The loop."""

from collections.abc import Callable, Mapping
from typing import Any

from source.callback.schedule import Schedule
from source.runner._run import ActiveRun
from source.runner._train_loop import TrainLoop


def train_to_end(
    run: ActiveRun,
    loop: TrainLoop,
    batches: Any,
    evaluation: Schedule,
    evaluate: Callable[[], Mapping[str, float]],
    clock: Callable[[], float],
) -> Mapping[str, float]:
    """Trains until the last step or until something asks for a stop; returns the last evaluation's metrics.

    The order is fixed, so that a run killed at any moment repeats exactly what was lost: what changes the
    model comes before the evaluation of the same step, which measures it; evaluation before the other callbacks,
    because they may act on its metrics; checkpoints come last, because they hold what the callbacks remember of
    this step.

    Args:
        run: the run, restored as far as it can be.
        loop: runs blocks of steps in the graph.
        batches: iterator over the training batches, standing at the next one.
        evaluation: when to evaluate.
        evaluate: evaluates, tells the callbacks and returns the metrics.
        clock: returns seconds.
    """
    metrics: Mapping[str, float] = {}
    while run.goes_on:
        before = run.progress
        evaluation_step = evaluation.next_due(before)
        due = [run.callbacks.next_due(before), evaluation_step, run.step + run.config.max_steps_per_call]
        run.callbacks.before_step(run)

        started = clock()
        with run.naming_bad_examples("train", run.step):
            block = loop.run(batches, min(step for step in due if step is not None) - run.step)
        seconds = clock() - started
        if block.steps == 0:
            break
        run.step += block.steps
        run.seconds_per_step = seconds / block.steps
        run.callbacks.add_block(block, seconds)
        run.callbacks.change_model(run, before)

        if run.step == evaluation_step:
            metrics = evaluate()
        run.say_texts(run.callbacks.after_step(run, before))
        run.save_requested()
    return metrics
