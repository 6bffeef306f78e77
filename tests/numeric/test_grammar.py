"""Tests of the names of formats."""

import subprocess
import sys

import pytest

import source.numeric
from source.config.errors import ConfigError, UnknownNameError
from source.numeric import number_format
from source.numeric._aliases import aliases

CANONICAL = {
    "same": "SAME",
    "XP[24,+12](CSN)": "XP[24,+12](CSN)",
    "XP[24+12](CSN)": "XP[24,+12](CSN)",
    "XP[8,0]": "XP[8,0](CSN)",
    "XP[8,4](UAS)": "XP[8,+4](__S)",
    "FP[1|8|23](N)": "FP[1|8|23,127](FN)",
    "FP[1|4|3,7]": "FP[1|4|3,7](_N)",
    "FP[1|5|10,15](FN)": "FP[1|5|10,15](FN)",
    "BFP[8|8]{64}": "BFP[8|8]{64}(SN)",
    "BFP[8|8]{64,-1}(N)": "BFP[8|8]{64}(SN)",
    "BFP[8|8]{64,1}(_S)": "BFP[8|8]{64}(_S)",
    "BFP16_64": "BFP[8|8]{64}(SN)",
    "BFP14A_32": "BFP[6|8]{32}(_N)",
    "BFP16_64_LD": "BFP[8|8]{64}(SN)",
    "BFP32_1": "BFP[24|8]{1}(SN)",
    "SBFP12_16_9": "SBFP<XP[4,0](CSN)><FP[0|4|4,9](FN)>{16}",
    "SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{16,-1}": "SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{16}",
    "MXFP8_E4M3K128": "MXFP8[E4M3]{128}",
    "MXINT6_K64": "MXINT6{64}",
    "mxfp4": "MXFP4[E2M1]{32}",
    "mxfp4{16}": "MXFP4[E2M1]{16}",
    "mxfp4_e2m1{16}(even)": "MXFP4[E2M1]{16}(even)",
    "mxfp8_e5m2(ceil,S)": "MXFP8[E5M2]{32}(ceil,S)",
    "mxint8{64}": "MXINT8{64}",
    "nvfp4": "NVFP4{16}",
    "NVFP4{32}(1,U)": "NVFP4{32}(1,U)",
    "nvfp4(S)": "NVFP4{16}(S)",
    "INT8": "XP[8,0](CSN)",
    "int8": "int8",
    "int4<64>(S)": "int4<64>(S)",
    "int4<tensor>": "int4",
    "uint8<channel>": "uint8<channel>",
    "fixed<8,4>": "XP[8,+4](C_N)",
    "fixed<8,9>(D)": "XP[8,-1](C_D)",
    "dynamic<8,0.01>": "dynamic<8,0.01>",
    "fp8_e4m3fn": "fp8_e4m3fn",
    "fp8_e5m2(FS)": "fp8_e5m2(FS)",
    "float8_e4m3fn": "fp8_e4m3fn",
    "bfloat16": "fp16_e8m7",
    "fp4_e2m1": "FP[1|2|1,1](_N)",
    "float<2,2,2>": "float<2,2,2>",
    "pow2<4>": "pow2<4>",
    "pow2<4,0>": "pow2<4>",
    "shift<2,3>": "shift<2,3>",
    "log<5>": "log<5,0>",
    "ternary": "ternary",
    "ternary<channel,threshold=0.5>": "ternary<channel,threshold=0.5>",
    "binary<channel>": "binary<channel>",
    "codebook<-1,0,1>": "codebook<-1.0,0.0,1.0>",
    "nf4{128}": "nf4{128}",
    "linear_mid_tread_half<2,2.0>": "linear_mid_tread_half<2,2>",
    " int8 ": "int8",
}


@pytest.mark.parametrize(("name", "canonical"), CANONICAL.items())
def test_names_have_a_canonical_form(name, canonical):
    assert str(number_format(name)) == canonical


@pytest.mark.parametrize("alias", aliases())
def test_aliases_are_read(alias):
    assert number_format(alias) == number_format(aliases()[alias])


@pytest.mark.parametrize(
    ("name", "bits", "bytes_per_element"),
    [
        ("BFP16_64", 8, 1 + 1 / 64),
        ("BFP32_1", 24, 4.0),
        ("SBFP12_16", 4, 0.5625),
        ("mxfp4", 4, 0.53125),
        ("mxfp6_e3m2", 6, 0.78125),
        ("nvfp4", 4, 0.5625),
        ("FP[0|4|4,7](FN)", 8, 1.0),
        ("int4<32>", 4, 0.625),
        ("ternary", 2, 0.25),
        ("binary", 1, 0.125),
        ("nf4", 4, 0.5625),
    ],
)
def test_sizes(name, bits, bytes_per_element):
    assert number_format(name).bits == bits
    assert number_format(name).bytes_per_element() == bytes_per_element


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BFP[8|8{64}", r"at character 6, `\|8\]` was expected. Received: `\|8\{64\}`. It is written `BFP\[width\|8\]"),
        ("XP[8]", r"at character 5, `,` was expected. Received: `\]`."),
        (
            "XP[8,0](CSQ)",
            r"at character 11, the way to round: one of `N`, `S`, `U`, `D` was expected. Received: `Q\)`.",
        ),
        ("FP[2|4|3,7]", "at character 4, the sign: one of `1`, `0` was expected."),
        ("fixed<8>", "at character 8, `,` was expected. Received: `>`. It is written `fixed<width,point>`."),
        ("pow2<>", "at character 6, the bits, an integer was expected."),
        ("int8 <4>", "at character 5, the end was expected. Received: ` <4>`."),
        ("ternary<row>", "at character 9, `channel` or the size of a block, an integer was expected."),
        ("codebook<1,>", "at character 12, a number of the codebook, a number was expected. Received: `>`."),
        ("mxfp4{32}(best)", "at character 11, the rule of scales or the way to round: one of `floor`,"),
        ("mxfp4{32", "at character 9, `}` was expected. Received: the end."),
        ("int99", r"`int99` is no number format: `width` of integers must be in \[2, 16\]. Received: width=99."),
        ("fp8_e4m4", "`fp8_e4m4` is no number format: A sign, 4 and 4 bits are 9 bits. Received: 8."),
    ],
)
def test_malformed_names_say_what_is_wrong_where(name, message):
    with pytest.raises(ConfigError, match=message):
        number_format(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("binry", "There is no number format `binry`. Did you mean `binary`?"),
        ("MXFP5_E2M1K32", "Did you mean `MXFP4_E2M1K32`"),
        ("fp8_e4m3f", "There is no number format `fp8_e4m3f`. Did you mean `fp8_e4m3fn`"),
        ("", "There is no number format ``. Known: "),
    ],
)
def test_unknown_names_offer_the_nearest(name, message):
    with pytest.raises(UnknownNameError, match=message):
        number_format(name)


def test_the_room_gives_the_function_when_it_is_asked_for():
    code = "import sys, source.numeric; assert not {'keras', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert source.numeric.number_format is number_format
    with pytest.raises(AttributeError, match=r"module `source.numeric` has no attribute `nothing`"):
        _ = source.numeric.nothing
