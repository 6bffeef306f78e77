"""Approximated operators once more, in NumPy's float16 operation by operation, for tests to compare bits with."""

import numpy as np

H = np.float16


def split_exponential(x: np.ndarray, algorithm: str) -> tuple[np.ndarray, np.ndarray]:
    x = np.maximum(np.asarray(x, np.float32), np.float32(-16384)).astype(H)
    if algorithm == "poly2":
        k = np.rint((x * H(1.4427)).astype(np.float32)).astype(H)
        r = x - k * H(0.69315)
        y = H(1.0) + (H(1.015082) + H(0.503765) * r) * r
    else:
        z = x * H(1.4426950408889634)
        k = np.floor(z.astype(np.float32)).astype(H)
        y = (z - k) + H(0.957)
    assert y.dtype == k.dtype == H
    return y, k


def exponential(x: np.ndarray, algorithm: str) -> np.ndarray:
    y, k = split_exponential(x, algorithm)
    with np.errstate(over="ignore"):
        return np.minimum(np.ldexp(y.astype(np.float64), k.astype(np.int64)), 65504).astype(H)


def softmax(x: np.ndarray, algorithm: str, axis: int = -1) -> np.ndarray:
    y, k = split_exponential(x, "base2" if algorithm == "base2quake3" else algorithm)
    shift = k.astype(np.int64) - k.max(axis=axis, keepdims=True).astype(np.int64)
    e = np.ldexp(y.astype(np.float64), shift).astype(H)
    s = e.astype(np.float64).sum(axis=axis, keepdims=True).astype(np.float32).astype(H)
    s = s + H(2.0**-24)
    found = e * reciprocal(s) if algorithm == "base2quake3" else e / s
    assert found.dtype == H
    return found


def reciprocal(a: np.ndarray) -> np.ndarray:
    guess = np.maximum(0x77A8 - a.view(np.int16), 0).astype(np.int16).view(H)
    return guess + (H(1.0) - a * guess) * guess


def reciprocal_root(a: np.ndarray) -> np.ndarray:
    guess = (0x59BE - (a.view(np.int16) >> 1)).astype(np.int16).view(H)
    t = H(0.5) * a
    t = t * guess
    return (H(1.5) - t * guess) * guess


def reciprocal_root32(a: np.ndarray) -> np.ndarray:
    guess = (0x5F3759DF - (a.view(np.int32) >> 1)).astype(np.int32).view(np.float32)
    t = np.float32(0.5) * a
    t = t * guess
    return (np.float32(1.5) - t * guess) * guess


def gelu(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x).astype(H)
    z = (x.astype(np.float32) * np.float32(0.70711)).astype(H)  # float32 constants, as where a scalar meets a tensor
    r = np.minimum(np.abs(z), H(1.769)) - H(1.769)
    r = r * r
    share = (r.astype(np.float32) * np.float32(0.1444)).astype(H)
    return x * np.where(z >= 0, H(1.0) - share, share)


def layer_normalization(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    algorithm: str,
    epsilon: float,
    axis: int | tuple = -1,
    norm: int = 4,
    kind: type = H,
) -> np.ndarray:
    """`gamma` and `beta` must broadcast with x."""
    x = np.asarray(x).astype(kind)
    if algorithm == "fallback":
        x = x / kind(2**norm)
        size = np.float32(x.size // x.sum(axis=axis).size)
        sums = (total(each, axis).astype(kind) for each in (x, x * x))
        mean, square = ((each.astype(np.float32) / size).astype(kind) for each in sums)
        variance = np.maximum(square - mean * mean, kind(0))
    else:
        mean, variance = moments(x, axis)
        mean, variance = mean.astype(kind), variance.astype(kind)
    if algorithm == "quake3":
        variance = variance + kind(max(epsilon, np.finfo(kind).eps))
        root = reciprocal_root(variance) if kind is H else reciprocal_root32(variance)
    else:
        root = (np.float32(1) / np.sqrt(variance.astype(np.float32) + np.float32(epsilon))).astype(kind)
    y = (x - mean) * np.asarray(gamma).astype(kind) * root + np.asarray(beta).astype(kind)
    assert y.dtype == kind
    return y


def rms_normalization(x: np.ndarray, gamma: np.ndarray, algorithm: str, epsilon: float) -> np.ndarray:
    x = np.asarray(x).astype(H)
    square = mean_of(np.square(x.astype(np.float32)), -1).astype(H)
    if algorithm == "quake3":
        root = reciprocal_root(square + H(max(epsilon, np.finfo(H).eps)))
    else:
        root = (np.float32(1) / np.sqrt(square.astype(np.float32) + np.float32(epsilon))).astype(H)
    return x * gamma.astype(H) * root


def moments(x: np.ndarray, axis: int | tuple) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and variance in float32."""
    mean = mean_of(x, axis)
    return mean, mean_of(np.square(x.astype(np.float32) - mean), axis)


def mean_of(x: np.ndarray, axis: int | tuple) -> np.ndarray:
    return total(x, axis) / np.float32(x.size // x.sum(axis=axis).size)


def total(x: np.ndarray, axis: int | tuple) -> np.ndarray:
    """Returns the sum rounded once to float32."""
    return x.astype(np.float64).sum(axis=axis, keepdims=True).astype(np.float32)


def logits(shape: tuple[int, ...] = (16, 128), seed: int = 0) -> np.ndarray:
    """Returns normally distributed numbers of standard deviation three."""
    return (np.random.default_rng(seed).normal(size=shape) * 3).astype(np.float32)
