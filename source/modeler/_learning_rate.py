"""Learning rates as pure functions of the step, for Keras optimizers.

A step is the number of steps done before it: the first has 0. It is turned into float32, which holds every
whole number up to 2^24 = 16,777,216 exactly; beyond, a rate that changes with every step is off by one part
in 2^24.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from source.config.config import ModelerConfig


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule whose constructor's arguments are its public attributes, so that Keras can save it.

    Before `warmup_steps` all schedules are `learning_rate * (step + 1) / warmup_steps`.

    Attributes:
        learning_rate: the rate of the first step after warm-up.
        warmup_steps: number of steps in which the rate rises.
    """

    def __init__(self, learning_rate: float, warmup_steps: int = 0) -> None:
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the float32 rate of a step.

        Args:
            step: how many steps were done before, an integer or an integer scalar.
        """
        step = tf.cast(step, tf.float32)
        rate = self.after_warmup(step)
        if not self.warmup_steps:
            return rate
        rising = self.learning_rate / self.warmup_steps * (step + 1.0)
        return tf.where(step < float(self.warmup_steps), rising, rate)

    def after_warmup(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate of a step that is not before `warmup_steps`.

        Args:
            step: float32 scalar.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return dict(vars(self))


class Constant(_Schedule):
    """`learning_rate` in every step."""

    def after_warmup(self, step: tf.Tensor) -> tf.Tensor:
        """Returns `learning_rate`."""
        return tf.constant(self.learning_rate, tf.float32)


class PiecewiseConstant(_Schedule):
    """`learning_rate * factors[i]`, where i counts the `boundaries` that are not above the step.

    Attributes:
        boundaries: steps from which on the next factor holds, rising.
        factors: one more than boundaries.
    """

    def __init__(
        self, learning_rate: float, boundaries: list[int], factors: list[float], warmup_steps: int = 0
    ) -> None:
        super().__init__(learning_rate, warmup_steps)
        self.boundaries = boundaries
        self.factors = factors

    def after_warmup(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate of the piece that the step lies in."""
        rates = tf.constant([self.learning_rate * factor for factor in self.factors], tf.float32)
        if not self.boundaries:
            return rates[0]
        passed = tf.cast(step >= tf.constant(self.boundaries, tf.float32), tf.int32)
        return tf.gather(rates, tf.reduce_sum(passed))


class Linear(_Schedule):
    """`learning_rate * (1 - t)` with t = (step - warmup_steps) / (last_step - warmup_steps), at most 1.

    Attributes:
        last_step: number of steps of the run.
    """

    def __init__(self, learning_rate: float, last_step: int, warmup_steps: int = 0) -> None:
        super().__init__(learning_rate, warmup_steps)
        self.last_step = last_step

    def after_warmup(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate on the line to zero."""
        return self.learning_rate * (1.0 - self.share_done(step))

    def share_done(self, step: tf.Tensor) -> tf.Tensor:
        """Returns t from 0 to 1: how much of what follows warm-up is done.

        Args:
            step: float32 scalar.
        """
        steps = max(self.last_step - self.warmup_steps, 1)
        return tf.clip_by_value((step - float(self.warmup_steps)) / float(steps), 0.0, 1.0)


class Cosine(Linear):
    """`learning_rate * (1 + cos(pi * t)) / 2` with the t of `Linear`.

    Loshchilov, Hutter: SGDR: stochastic gradient descent with warm restarts, 2017,
    https://arxiv.org/abs/1608.03983, without restarts.
    """

    def after_warmup(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate on the half wave to zero."""
        return 0.5 * self.learning_rate * (1.0 + tf.cos(math.pi * self.share_done(step)))


class Exponential(_Schedule):
    """`learning_rate * decay ** ((step - warmup_steps) / decay_steps)`, falling in every step.

    Attributes:
        decay: factor per `decay_steps`.
        decay_steps: number of steps in which the rate falls by `decay`; need not be whole.
    """

    def __init__(self, learning_rate: float, decay: float, decay_steps: float, warmup_steps: int = 0) -> None:
        super().__init__(learning_rate, warmup_steps)
        self.decay = decay
        self.decay_steps = decay_steps

    def after_warmup(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate on the falling curve."""
        exponent = math.log(self.decay) / self.decay_steps
        return self.learning_rate * tf.exp(exponent * (step - float(self.warmup_steps)))


def create(config: ModelerConfig, steps_per_epoch: float, max_step: int, batch_size: int) -> _Schedule:
    """Returns the schedule that a configuration describes in epochs, in steps.

    Args:
        config: `lr_method`, `learning_rate` and what belongs to them.
        steps_per_epoch: training examples divided by `batch_size`; 0 if there are none, and then the rate is
            constant.
        max_step: number of steps of the run.
        batch_size: examples in a step on all devices together.
    """
    rate = config.learning_rate
    if config.base_batch_size is not None:
        rate *= math.sqrt(batch_size / config.base_batch_size)
    warmup = steps(config.warmup_epochs, steps_per_epoch)
    if config.lr_method == "constant" or steps_per_epoch <= 0:
        return Constant(rate, warmup)
    if config.lr_method == "step":
        boundaries = [steps(boundary, steps_per_epoch) for boundary in config.piecewise_boundaries]
        return PiecewiseConstant(rate, boundaries, list(config.piecewise_lr_decay), warmup)
    if config.lr_method == "exponential":
        return Exponential(rate, config.exponential_decay, config.exponential_epochs * steps_per_epoch, warmup)
    return {"linear": Linear, "cosine": Cosine}[config.lr_method](rate, max_step, warmup)


def steps(epochs: float, steps_per_epoch: float) -> int:
    """Returns how many whole steps fit in a number of epochs.

    Args:
        epochs: at least 0.
        steps_per_epoch: training examples divided by the batch, not rounded.
    """
    # A product such as 3 * (49 / 3) may come out as 48.999999999999993; a millionth of a step is no step.
    return int(epochs * steps_per_epoch + 1e-6)
