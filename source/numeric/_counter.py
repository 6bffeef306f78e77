"""Random numbers as a function of a seed and a position, in 32 bit integers that every backend has.

The positions 0, 1, 2, ... of a tensor are hashed with the bijection `lowbias32` of Chris Wellons (Hash prospector,
https://github.com/skeeto/hash-prospector), keyed by the hash of the seed. No state: equal seeds give equal bits.
"""

from keras import ops

from source.numeric._bits import Tensor

_SHIFTS_AND_FACTORS = ((16, 0x7FEB352D), (15, 0x846CA68B))
_LAST_SHIFT = 16
_UNIFORM_BITS = 24  # as many as a float32 significand holds


def uniform(like: Tensor, seed: int | Tensor) -> Tensor:
    """Returns float32 in [0, 1), multiples of 2^-24, in the shape of a tensor.

    Args:
        like: a tensor of fewer than 2^31 numbers.
        seed: an integer, or a scalar int32 tensor such as a step.
    """
    position = ops.reshape(ops.arange(ops.size(like), dtype="int32"), ops.shape(like))
    return ops.cast(top_bits(hashed(position, seed), _UNIFORM_BITS), "float32") * 2.0**-_UNIFORM_BITS


def hashed(position: Tensor, seed: int | Tensor) -> Tensor:
    """Returns 32 random bits for each position, as int32.

    Args:
        position: int32.
        seed: as for `uniform`.
    """
    return _mix(ops.bitwise_xor(position, _mix(_as_int32(seed))))


def top_bits(x: Tensor, count: int) -> Tensor:
    """Returns the upper bits of int32 as numbers from 0 to 2^count - 1.

    Args:
        x: int32.
        count: of bits, from 1 to 31.
    """
    return _shift_right(x, 32 - count)


def _mix(x: Tensor) -> Tensor:
    for shift, factor in _SHIFTS_AND_FACTORS:
        x = ops.bitwise_xor(x, _shift_right(x, shift)) * _signed(factor)
    return ops.bitwise_xor(x, _shift_right(x, _LAST_SHIFT))


def _shift_right(x: Tensor, shift: int) -> Tensor:
    """Returns the shift of int32 that brings in zeros; the backends' own brings in the sign."""
    return ops.bitwise_and(ops.right_shift(x, shift), (1 << (32 - shift)) - 1)


def _as_int32(seed: int | Tensor) -> Tensor:
    return ops.convert_to_tensor(_signed(seed), "int32") if isinstance(seed, int) else ops.cast(seed, "int32")


def _signed(number: int) -> int:
    """Returns the number modulo 2^32 as int32 has it."""
    return (number + 0x80000000) % 0x100000000 - 0x80000000
