"""Random numbers as pure functions of a key: counter-based SplitMix64 in TensorFlow's uint64 operations.

SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014,
https://doi.org/10.1145/2660193.2660195) adds a constant to its state and mixes the sum. Its n-th number is
therefore `mix(state + (n + 1) * GAMMA)`, which needs no numbers before it: a counter takes the place of a
state. A key is a state; its draws 0, 1, 2, ... are the numbers of the generator started there.

All functions work element by element. A scalar key, a batch of keys, eager execution, `tf.function` and
`tf.data` give the same bits. A vector of draws against `key[..., tf.newaxis]` costs as many operations as one
draw.
"""

from typing import TypeAlias

import tensorflow as tf

GAMMA = 0x9E3779B97F4A7C15  # Steele et al. 2014, the odd number nearest to 2^64 / golden ratio
_MIX = (
    (30, 0xBF58476D1CE4E5B9),
    (27, 0x94D049BB133111EB),
)  # variant 13 of Stafford, as in java.util.SplittableRandom
_LAST_SHIFT = 31
_MASK = (1 << 64) - 1

IntegerLike: TypeAlias = "int | tf.Tensor"
NumberLike: TypeAlias = "float | tf.Tensor"


def fold(seed: IntegerLike, epoch: IntegerLike, index: IntegerLike) -> tf.Tensor:
    """Returns the key of one example in one epoch.

    The epoch-th number of the generator at `seed` starts another generator, whose index-th number is the key.
    For a fixed seed and epoch, different indices always give different keys (each step is a bijection of
    uint64).

    Args:
        seed: integer, taken modulo 2^64.
        epoch: integer >= 0, or integers that broadcast with `index` (a batch may span two epochs).
        index: integer >= 0, or integers of any shape.

    Returns:
        uint64 of the broadcast shape of the arguments.
    """
    return bits(bits(_to_uint64(seed), epoch), index)


def bits(key: tf.Tensor, draw: IntegerLike) -> tf.Tensor:
    """Returns number `draw` of the generator started at `key`: 64 random bits.

    Args:
        key: uint64 of any shape.
        draw: integer >= 0, or integers that broadcast with `key`.

    Returns:
        uint64 of the broadcast shape.
    """
    mixed = _to_uint64(key) + _step(draw)
    for shift, factor in _MIX:
        mixed = _xor_shift(mixed, shift) * tf.constant(factor, tf.uint64)
    return _xor_shift(mixed, _LAST_SHIFT)


def uniform(key: tf.Tensor, draw: IntegerLike, low: NumberLike = 0.0, high: NumberLike = 1.0) -> tf.Tensor:
    """Returns `low + (high - low) * u`, with `u` in [0, 1) evenly.

    `u` is the draw's upper 24 bits times 2^-24. 24 bits are what a float32 significand holds: `u` is exact.
    The sum is rounded to float32 and may round up to `high` (about once in 2^24 draws); with the default
    bounds it never does.

    Args:
        key: uint64 of any shape.
        draw: integer >= 0, or integers that broadcast with `key`. One draw gives one number: use another each
            time.
        low: lower bound, float32 that broadcasts.
        high: upper bound, float32 that broadcasts.

    Returns:
        float32 of the broadcast shape.
    """
    upper = tf.cast(tf.bitwise.right_shift(bits(key, draw), tf.constant(40, tf.uint64)), tf.float32)
    unit = upper * tf.constant(2.0**-24, tf.float32)
    if isinstance(low, float) and isinstance(high, float) and (low, high) == (0.0, 1.0):
        return unit
    low = tf.convert_to_tensor(low, tf.float32)
    return low + (tf.convert_to_tensor(high, tf.float32) - low) * unit


def integer(key: tf.Tensor, draw: IntegerLike, low: IntegerLike, high: IntegerLike) -> tf.Tensor:
    """Returns a random integer in [low, high).

    It is `low + floor((high - low) * r / 2^32)` with the draw's upper 32 bits r.
    No probability differs from 1 / (high - low) by more than 2^-32. An empty range gives `low`.

    Args:
        key: uint64 of any shape.
        draw: integer >= 0, or integers that broadcast with `key`.
        low: smallest result, int32 that broadcasts.
        high: one more than the largest result, int32 that broadcasts, `high - low` in [0, 2^31).

    Returns:
        int32 of the broadcast shape.
    """
    half = tf.constant(32, tf.uint64)
    low = tf.convert_to_tensor(low, tf.int32)
    span = tf.cast(tf.convert_to_tensor(high, tf.int32) - low, tf.uint64)
    scaled = tf.bitwise.right_shift(bits(key, draw), half) * span
    return low + tf.cast(tf.bitwise.right_shift(scaled, half), tf.int32)


def seed_pair(key: tf.Tensor, draw: IntegerLike) -> tf.Tensor:
    """Returns the draw's 64 bits as two int32, the `seed` of TensorFlow's stateless operations.

    Args:
        key: uint64 of any shape.
        draw: integer >= 0, or integers that broadcast with `key`.

    Returns:
        int32 of the broadcast shape and a last axis of 2: lower half, upper half.
    """
    return tf.bitcast(bits(key, draw), tf.int32)


def _step(draw: IntegerLike) -> tf.Tensor:
    """Returns `(draw + 1) * GAMMA` modulo 2^64; folded to one constant when the draw is a Python integer."""
    if isinstance(draw, int):
        return tf.constant((draw + 1) * GAMMA & _MASK, tf.uint64)
    return (_to_uint64(draw) + tf.constant(1, tf.uint64)) * tf.constant(GAMMA, tf.uint64)


def _xor_shift(value: tf.Tensor, shift: int) -> tf.Tensor:
    """Returns `value ^ (value >> shift)` for uint64."""
    return tf.bitwise.bitwise_xor(value, tf.bitwise.right_shift(value, tf.constant(shift, tf.uint64)))


def _to_uint64(value: IntegerLike) -> tf.Tensor:
    """Returns `value` modulo 2^64 as uint64; a cast from a negative int64 wraps."""
    if isinstance(value, int):
        return tf.constant(value & _MASK, tf.uint64)
    return tf.cast(value, tf.uint64)
