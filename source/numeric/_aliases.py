"""Other names of formats: those of d-Matrix' toolkits, of `ml_dtypes` and of everyday use."""

_BLOCK_SIZES = (128, 64, 32, 16)
_SIGNIFICANDS = {24: 16, 16: 8, 14: 6, 12: 4}  # total bits of a block floating point name -> bits of the significand
_MX_SIZES = (128, 64, 32)
_MX_ELEMENTS = ("FP8_E4M3", "FP8_E5M2", "FP6_E2M3", "FP6_E3M2", "FP4_E2M1")

_FIXED = {
    "FLOAT32": "FP[1|8|23,127](_N)",
    "FLOAT16": "FP[1|5|10,15](FN)",
    "BFLOAT16": "FP[1|8|7,127](FN)",
    "AFLOAT8": "FP[1|4|3,7](_N)",
    "BFLOAT8": "FP[1|5|2,15](_N)",
    "INT8": "XP[8,0](CSN)",
    "INT4": "XP[4,0](CSN)",
    "BFP32_1": "BFP[24|8]{1}(SN)",
    "SBFP12_16": "SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{16}",
    "same": "SAME",
    "float32": "FP[1|8|23,127](_N)",
    "float16": "fp16_e5m10",
    "bfloat16": "fp16_e8m7",
    "float8_e4m3fn": "fp8_e4m3fn",
    "float8_e4m3": "fp8_e4m3",
    "float8_e3m4": "fp8_e3m4",
    "float8_e5m2": "fp8_e5m2",
    "float8_e8m0fnu": "fp8_e8m0",
    "e8m0": "fp8_e8m0",
    "float6_e2m3fn": "fp6_e2m3",
    "float6_e3m2fn": "fp6_e3m2",
    "float4_e2m1fn": "fp4_e2m1",
    "mxfp4": "MXFP4[E2M1]{32}",
    "mxfp6_e2m3": "MXFP6[E2M3]{32}",
    "mxfp6_e3m2": "MXFP6[E3M2]{32}",
    "mxfp8_e4m3": "MXFP8[E4M3]{32}",
    "mxfp8_e5m2": "MXFP8[E5M2]{32}",
    "mxint8": "MXINT8{32}",
    "nvfp4": "NVFP4{16}",
}


def aliases() -> dict[str, str]:
    """Returns the name that each alias stands for."""
    return {**_FIXED, **_block_names(), **_microscaling_names()}


def _block_names() -> dict[str, str]:
    names = {}
    for total, width in _SIGNIFICANDS.items():
        for size in _BLOCK_SIZES[total == 24 :]:  # there is no BFP24_128
            for end in ("", "_LD", "_FD"):  # blocks along the last or the first axis: `round` is told
                names[f"BFP{total}_{size}{end}"] = f"BFP[{width}|8]{{{size}}}(SN)"
            if total != 24:
                names[f"BFP{total}A_{size}"] = f"BFP[{width}|8]{{{size}}}(_N)"
    for bias in range(4, 19):
        names[f"SBFP12_16_{bias}"] = f"SBFP<XP[4,0](CSN)><FP[0|4|4,{bias}](FN)>{{16}}"
    return names


def _microscaling_names() -> dict[str, str]:
    names = {}
    for size in _MX_SIZES:
        for element in _MX_ELEMENTS:
            width, _, kind = element.partition("_")
            names[f"MX{element}K{size}"] = f"MX{width}[{kind}]{{{size}}}"
        for bits in (8, 6, 4):
            names[f"MXINT{bits}_K{size}"] = f"MXINT{bits}{{{size}}}"
    return names
