"""Names in the shorthand of d-Matrix' toolkits, of all their generations: `XP[8,0](CSN)`, `BFP[8|8]{64}(SN)`."""

import re

from source.config.errors import ConfigError
from source.numeric import _rule
from source.numeric._reader import Reader
from source.numeric._rule import Rule
from source.numeric.block_floating_point import BlockFloatingPoint
from source.numeric.fixed_point import FixedPoint
from source.numeric.microscaling import RULES, Microscaling, ScaleRule
from source.numeric.minifloat import Minifloat
from source.numeric.nvfp4 import NVFP4
from source.numeric.rounding import LETTERS, Rounding
from source.numeric.same import Same
from source.numeric.scaled_block import ScaledBlock

_SCALE_RULES: dict[str, ScaleRule] = {rule: rule for rule in RULES}


def _same(reader: Reader, word: re.Match[str]) -> Same:
    return Same()


def _fixed_point(reader: Reader, word: re.Match[str] | None = None) -> FixedPoint:
    reader.expect("[")
    width = reader.integer("the width")
    if not reader.take(",") and not reader.comes("+", "-"):  # the first generation printed `XP[24+12](CSN)`
        reader.fail("`,`")
    fraction = reader.integer("the number of fraction bits")
    reader.expect("]")
    if not reader.take("("):
        return FixedPoint(width, fraction)
    clamp = reader.letter("C_U", "clamping") == "C"
    symmetric = reader.letter("S_A", "symmetry") == "S"
    return FixedPoint(width, fraction, symmetric, clamp, _rule.rounding_and_close(reader))


def _minifloat(reader: Reader, word: re.Match[str] | None = None) -> Minifloat:
    reader.expect("[")
    signed = reader.letter("10", "the sign") == "1"
    reader.expect("|")
    exponent = reader.integer("the bits of the exponent")
    reader.expect("|")
    mantissa = reader.integer("the bits of the mantissa")
    bias = reader.integer("the bias") if reader.take(",") else None
    reader.expect("]")
    flush = False
    rounding: Rounding = "nearest"
    if reader.take("("):
        # The first generation, which wrote neither bias nor flag, flushed.
        flush = _rule.flag(reader, "F", "_", "flushing", default=bias is None)
        rounding = _rule.rounding_and_close(reader)
    return Minifloat(exponent, mantissa, bias, signed, flush, rounding=rounding)


def _block(reader: Reader, word: re.Match[str]) -> BlockFloatingPoint:
    reader.expect("[")
    width = reader.integer("the width")
    reader.expect("|8]")
    size = _rule.size(reader)
    if not reader.take("("):
        return BlockFloatingPoint(width, size)
    symmetric = _rule.flag(reader, "S", "_A", "symmetry", default=True)
    return BlockFloatingPoint(width, size, symmetric, _rule.rounding_and_close(reader))


def _scaled_block(reader: Reader, word: re.Match[str]) -> ScaledBlock:
    reader.expect("<XP")
    element = _fixed_point(reader)
    reader.expect("><FP")
    scaler = _minifloat(reader)
    reader.expect(">")
    size = _rule.size(reader)
    legacy = reader.take("(legacy)")
    return ScaledBlock(element, scaler, size, legacy)


def _microscaling(reader: Reader, word: re.Match[str]) -> Microscaling:
    reader.expect("[E")
    exponent = reader.integer("the bits of the exponent")
    reader.expect("M")
    mantissa = reader.integer("the bits of the mantissa")
    reader.expect("]")
    found = Microscaling(exponent, mantissa, _rule.size(reader), *_microscaling_options(reader))
    return _of_width(found, int(word["width"]))


def _named_microscaling(reader: Reader, word: re.Match[str]) -> Microscaling:
    size = _rule.size(reader) if reader.comes("{") else 32
    exponent, mantissa = int(word["exponent"] or 2), int(word["mantissa"] or 1)
    return _of_width(Microscaling(exponent, mantissa, size, *_microscaling_options(reader)), int(word["width"]))


def _of_width(found: Microscaling, width: int) -> Microscaling:
    if found.bits != width:
        raise ConfigError(
            f"A sign, {found.exponent} and {found.mantissa} bits are {found.bits} bits. Received: {width}."
        )
    return found


def _microscaling_integer(reader: Reader, word: re.Match[str]) -> Microscaling:
    size = _rule.size(reader) if word["sized"] == "MXINT" or reader.comes("{") else 32
    return Microscaling(0, int(word["width"]) - 2, size, *_microscaling_options(reader))


def _microscaling_options(reader: Reader) -> tuple[ScaleRule, Rounding]:
    """Reads `(ceil,S)`, either alone, or nothing."""
    if not reader.take("("):
        return "floor", "nearest"
    option = reader.letter((*_SCALE_RULES, *LETTERS), "the rule of scales or the way to round")
    if option in LETTERS:
        reader.expect(")")
        return "floor", LETTERS[option]
    if reader.take(")"):
        return _SCALE_RULES[option], "nearest"
    reader.expect(",")
    return _SCALE_RULES[option], _rule.rounding_and_close(reader)


def _nvfp4(reader: Reader, word: re.Match[str]) -> NVFP4:
    size = _rule.size(reader) if reader.comes("{") else 16
    if not reader.take("("):
        return NVFP4(size)
    tensor_scale = not reader.take("1")
    if not tensor_scale and reader.take(")"):
        return NVFP4(size, tensor_scale)
    if not tensor_scale:
        reader.expect(",")
    return NVFP4(size, tensor_scale, _rule.rounding_and_close(reader))


SHORTHANDS = (
    Rule("SAME|same", "SAME", _same),
    Rule("XP", "XP[width,fraction](CSN)", _fixed_point),
    Rule("FP", "FP[sign|exponent|mantissa,bias](_N)", _minifloat),
    Rule("BFP", "BFP[width|8]{size}(SN)", _block),
    Rule("SBFP", "SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{size}", _scaled_block),
    Rule(r"MXFP(?P<width>\d+)", "MXFP8[E4M3]{size}", _microscaling),
    Rule(r"(?P<sized>MXINT|mxint)(?P<width>\d+)", "MXINT8{size}", _microscaling_integer),
    Rule(r"mxfp(?P<width>4)(_e(?P<exponent>\d)m(?P<mantissa>\d))?", "mxfp4{size}", _named_microscaling),
    Rule(r"mxfp(?P<width>\d+)_e(?P<exponent>\d)m(?P<mantissa>\d)", "mxfp8_e4m3{size}", _named_microscaling),
    Rule("NVFP4|nvfp4", "NVFP4{size}", _nvfp4),
)
