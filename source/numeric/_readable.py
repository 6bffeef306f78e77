"""Readable names of formats: `int8`, `fixed<8,4>`, `fp8_e4m3fn`, `pow2<4>`, `ternary<channel>`."""

import re

from source.config.errors import ConfigError
from source.numeric import _rule
from source.numeric._reader import Reader
from source.numeric._rule import Rule
from source.numeric.binary import Binary
from source.numeric.codebook import Codebook, NormalFloat4
from source.numeric.dynamic_fixed_point import DynamicFixedPoint
from source.numeric.fixed_point import FixedPoint
from source.numeric.focused import Focused
from source.numeric.integer import AffineInteger, SymmetricInteger
from source.numeric.logarithmic import Logarithmic
from source.numeric.mid_tread import MidTreadHalf
from source.numeric.minifloat import Minifloat, Specials
from source.numeric.normalized_float import NormalizedFloat
from source.numeric.power_of_two import PowerOfTwo, ScaleExponent
from source.numeric.rounding import Rounding
from source.numeric.scaled_power_of_two import ScaledPowerOfTwo
from source.numeric.ternary import Ternary

_FEWEST_BITS_WITH_SPECIALS = 8  # OCP's narrower formats spend no code on NaN


def _symmetric_integer(reader: Reader, word: re.Match[str]) -> SymmetricInteger:
    return SymmetricInteger(int(word["width"]), _rule.group(reader), _rule.suffix(reader))


def _affine_integer(reader: Reader, word: re.Match[str]) -> AffineInteger:
    return AffineInteger(int(word["width"]), _rule.group(reader), _rule.suffix(reader))


def _fixed(reader: Reader, word: re.Match[str]) -> FixedPoint:
    reader.expect("<")
    width = reader.integer("the width")
    reader.expect(",")
    point = reader.integer("the bits before the binary point")
    reader.expect(">")
    return FixedPoint(width, width - point, symmetric=False, rounding=_rule.suffix(reader))


def _dynamic(reader: Reader, word: re.Match[str]) -> DynamicFixedPoint:
    reader.expect("<")
    width = reader.integer("the width")
    overflow = reader.number("the share that may overflow") if reader.take(",") else 0.0
    reader.expect(">")
    return DynamicFixedPoint(width, overflow, _rule.suffix(reader))


def _scale_exponent(reader: Reader, word: re.Match[str]) -> ScaleExponent:
    return ScaleExponent()


def _minifloat(reader: Reader, word: re.Match[str]) -> Minifloat:
    bits, exponent, mantissa = (int(word[name]) for name in ("bits", "exponent", "mantissa"))
    flush = False
    rounding: Rounding = "nearest"
    if reader.take("("):
        flush = _rule.flag(reader, "F", "_", "flushing", default=False)
        rounding = _rule.rounding_and_close(reader)
    if bits != 1 + exponent + mantissa:
        raise ConfigError(
            f"A sign, {exponent} and {mantissa} bits are {1 + exponent + mantissa} bits. Received: {bits}."
        )
    specials: Specials = "none" if bits < _FEWEST_BITS_WITH_SPECIALS else "nan" if word["finite"] else "inf"
    return Minifloat(exponent, mantissa, flush=flush, specials=specials, rounding=rounding)


def _normalized(reader: Reader, word: re.Match[str]) -> NormalizedFloat:
    reader.expect("<")
    exponent = reader.integer("the bits of the exponent")
    reader.expect(",")
    mantissa = reader.integer("the bits of the mantissa")
    reader.expect(",")
    bias = reader.integer("the bias of the exponent")
    reader.expect(">")
    return NormalizedFloat(exponent, mantissa, bias, _rule.suffix(reader))


def _power_of_two(reader: Reader, word: re.Match[str]) -> PowerOfTwo:
    reader.expect("<")
    bits = reader.integer("the bits")
    top = reader.integer("the largest exponent") if reader.take(",") else 0
    reader.expect(">")
    if not 2 <= bits <= 9:
        raise ConfigError(f"Powers of two have 2 to 9 bits. Received: {bits}.")
    return PowerOfTwo((1 << (bits - 1)) - 1, top, _rule.suffix(reader))


def _scaled_power_of_two(reader: Reader, word: re.Match[str]) -> ScaledPowerOfTwo:
    reader.expect("<")
    width = reader.integer("the bits")
    group = _rule.group_word(reader) if reader.take(",") else "tensor"
    reader.expect(">")
    return ScaledPowerOfTwo(width, group, _rule.suffix(reader))


def _shift(reader: Reader, word: re.Match[str]) -> PowerOfTwo:
    reader.expect("<")
    width = reader.integer("the bits of the exponent")
    reader.expect(",")
    bias = reader.integer("the bias of the exponent")
    reader.expect(">")
    if not 0 <= width <= 7:
        raise ConfigError(f"The exponent of a shift has 0 to 7 bits. Received: {width}.")
    return PowerOfTwo(1 << width, (1 << width) - 1 - bias, _rule.suffix(reader))


def _focused(reader: Reader, word: re.Match[str]) -> Focused:
    reader.expect("<")
    width = reader.integer("the bits")
    reader.expect(">")
    return Focused(width, _rule.suffix(reader))


def _logarithmic(reader: Reader, word: re.Match[str]) -> Logarithmic:
    reader.expect("<")
    width = reader.integer("the bits")
    fraction = reader.integer("the fraction bits of the exponent") if reader.take(",") else 0
    top = reader.integer("the largest exponent") if reader.take(",") else 0
    reader.expect(">")
    return Logarithmic(width, fraction, top, _rule.suffix(reader))


def _ternary(reader: Reader, word: re.Match[str]) -> Ternary:
    options: dict[str, float | int | str] = {}
    if not reader.take("<"):
        return Ternary()
    while True:
        if reader.take("scale="):
            options["fixed_scale"] = reader.number("the scale")
        elif reader.take("threshold="):
            options["threshold"] = reader.number("the threshold")
        else:
            options["group"] = _rule.group_word(reader)
        if reader.take(">"):
            return Ternary(**options)  # type: ignore[arg-type]  # each option is read as what it is
        reader.expect(",")


def _binary(reader: Reader, word: re.Match[str]) -> Binary:
    return Binary(_rule.group(reader))


def _codebook(reader: Reader, word: re.Match[str]) -> Codebook:
    reader.expect("<")
    numbers = [reader.number("a number of the codebook")]
    while reader.take(","):
        numbers.append(reader.number("a number of the codebook"))
    reader.expect(">")
    return Codebook(tuple(numbers), _rule.suffix(reader))


def _normal_float(reader: Reader, word: re.Match[str]) -> NormalFloat4:
    size = _rule.size(reader) if reader.comes("{") else 64
    return NormalFloat4(size, _rule.suffix(reader))


def _mid_tread(reader: Reader, word: re.Match[str]) -> MidTreadHalf:
    reader.expect("<")
    width = reader.integer("the bits")
    reader.expect(",")
    maximum = reader.number("the largest number")
    reader.expect(">")
    return MidTreadHalf(width, maximum, _rule.suffix(reader))


READABLE = (
    Rule(r"int(?P<width>\d+)", "int8<channel>", _symmetric_integer),
    Rule(r"uint(?P<width>\d+)", "uint8<channel>", _affine_integer),
    Rule("fixed", "fixed<width,point>", _fixed),
    Rule("dynamic", "dynamic<width,overflow>", _dynamic),
    Rule("fp8_e8m0", "fp8_e8m0", _scale_exponent),
    Rule(r"fp(?P<bits>\d+)_e(?P<exponent>\d)m(?P<mantissa>\d+)(?P<finite>fn)?", "fp8_e4m3fn", _minifloat),
    Rule("float", "float<exponent,mantissa,bias>", _normalized),
    Rule("pow2", "pow2<bits,top>", _power_of_two),
    Rule("inq", "inq<bits,channel>", _scaled_power_of_two),
    Rule("shift", "shift<width,bias>", _shift),
    Rule("focused", "focused<bits>", _focused),
    Rule("log", "log<bits,fraction,top>", _logarithmic),
    Rule("ternary", "ternary<channel,threshold=0.7>", _ternary),
    Rule("binary", "binary<channel>", _binary),
    Rule("codebook", "codebook<-1,0,1>", _codebook),
    Rule("nf4", "nf4{size}", _normal_float),
    Rule("linear_mid_tread_half", "linear_mid_tread_half<bits,maximum>", _mid_tread),
)
