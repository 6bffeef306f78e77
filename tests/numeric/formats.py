"""Names of formats that every contract is tested with, and numbers to test them on."""

import numpy as np

# All families, with the options that change the path of computation.
NAMES = (
    "SAME",
    "XP[8,0](CSN)",
    "XP[8,+4](C_N)",
    "XP[24,+12](CSN)",
    "XP[8,-2](CSN)",
    "FP[1|4|3,7](_N)",
    "FP[1|4|3,10](FN)",
    "FP[1|5|10,15](FN)",
    "FP[0|4|4,7](FN)",
    "FP[1|8|7,127](FN)",
    "FP[1|8|22,127](_N)",
    "FP[1|6|3,60](_N)",
    "fp8_e4m3fn",
    "fp8_e5m2",
    "fp16_e5m10",
    "fp16_e8m7",
    "fp4_e2m1",
    "fp6_e2m3",
    "fp6_e3m2",
    "BFP[8|8]{64}(SN)",
    "BFP[4|8]{16}(SN)",
    "BFP[6|8]{16}(_N)",
    "BFP[24|8]{1}(SN)",
    "BFP[2|8]{8}(SN)",
    "SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{16}",
    "SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{16}(legacy)",
    "mxfp8_e4m3",
    "mxfp8_e5m2",
    "mxfp6_e2m3",
    "mxfp6_e3m2",
    "mxfp4",
    "mxfp4{32}(ceil)",
    "mxfp4{32}(even)",
    "mxfp8_e4m3{32}(fit)",
    "mxint8",
    "nvfp4",
    "NVFP4{16}(1)",
    "int8",
    "int4<channel>",
    "int2<32>",
    "uint8",
    "uint4<channel>",
    "uint12<32>",
    "fixed<4,1>",
    "dynamic<8>",
    "dynamic<4,0.05>",
    "fp8_e8m0",
    "float<2,2,2>",
    "float<3,10,5>",
    "pow2<4>",
    "pow2<3,2>",
    "shift<2,3>",
    "inq<5>",
    "inq<3,channel>",
    "inq<4,32>",
    "log<4>",
    "log<6,2,1>",
    "ternary",
    "ternary<channel>",
    "ternary<scale=0.5,threshold=0.5>",
    "binary",
    "binary<channel>",
    "codebook<-1,-0.25,0,0.1,1.5>",
    "nf4",
    "recentralized<XP[4,+2](CSN)>",
    "recentralized<pow2<4>>",
    "recentralized<fp8_e5m2>",
    "recentralized<int4>",
    "recentralized<uint4>",
    "focused<5>",
    "focused<3>",
    "linear_mid_tread_half<2,2>",
    "linear_mid_tread_half<8,6>",
)


def normal_numbers(shape: tuple[int, ...] = (6, 200), seed: int = 0) -> np.ndarray:
    """Returns normally distributed float32, a fifth of them zero."""
    random = np.random.default_rng(seed)
    return (random.normal(size=shape) * (random.random(shape) < 0.8)).astype(np.float32)


def hard_numbers() -> np.ndarray:
    """Returns float32 of all exponents, both signs, with ties, special numbers and subnormal ones, 16 x 256."""
    random = np.random.default_rng(1)
    bits = random.integers(0, 1 << 32, 1024, dtype=np.uint64).astype(np.uint32)
    few_bits = (bits & np.uint32(0xFFF80000)).view(np.float32)
    ties = (random.integers(-600, 600, 1024) / 64).astype(np.float32)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-41, -1e-41, 2.0**-126, -(2.0**-126), 3.4e38, -3.4e38, 1.0, -1.0]
    rest = np.resize(np.asarray(special, np.float32), 1024)
    return np.concatenate([bits.view(np.float32), few_bits, ties, rest]).reshape(16, 256)


def with_rounding(name: str, letter: str) -> str:
    """Returns the name of the format that rounds otherwise."""
    if name.endswith("N)"):
        return name[:-2] + letter + ")"
    return name[:-1] + f",{letter})" if name.endswith(")") else name + f"({letter})"


def takes_ways(name: str) -> bool:
    """Returns whether a format can be told how to round."""
    return not name.startswith(("SAME", "fp8_e8m0", "ternary", "binary", "recentralized", "SBFP"))


# The numbers of published golden vectors of fixed point, shift and floating point quantizers.
MIXED = np.float32(
    [-3.7, -1.26, -1, -0.74, -0.4, -0.13, -0.05, 0, 0.03, 0.07, 0.1, 0.2, 0.375, 0.55, 0.8, 1, 1.49, 1.5, 2.2, 5]
)
