"""Writes a finished model as a C99 header for microcontrollers: constants and code, integers only."""

import pathlib
import re
from collections.abc import Sequence

import keras
import numpy as np

from source.config.config import require
from source.config.errors import ExportError
from source.config.settings import adopt, settings
from source.exporter.c_source.compiled import compiled_answers, has_compiler
from source.exporter.c_source.header import header
from source.exporter.exporter import ExporterConfig
from source.exporter.file_exporter import FileExporter, FileExporterConfig
from source.exporter.integer.program import Program, run
from source.exporter.integer.requantization import Rounding
from source.exporter.integer_lowering.lower import lowered

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


@settings
class Config(FileExporterConfig):
    """Settings of the C exporter.

    Attributes:
        prefix: what all names in the file begin with.
        rounding: how accumulators become codes, as for `integer_reference`.
        compiler: command that compiles the file to verify it; where there is none, the integer program is verified.
    """

    prefix: str = "network"
    rounding: Rounding = "single"
    compiler: str = "cc"

    def __post_init__(self) -> None:
        super().__post_init__()
        fits = _IDENTIFIER.fullmatch(self.prefix) is not None
        require(fits, "prefix", "a C name of at most 40 letters, digits and low lines, a letter first", self.prefix)


class CArrayExporter(FileExporter):
    """Writes one header, compiles it where there is a compiler, and compares it with the integer program."""

    suffix = ".h"
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._program: Program | None = None

    def write(self, model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray]) -> Sequence[str]:
        """Writes the header and says how many bytes its constants and its memory take."""
        program = lowered(model, self.config.rounding)
        test_input = program.tensors[program.inputs[0]].rounded(examples[0][:1])
        made = header(program, self.config.prefix, test_input)
        path.write_text(made.text, encoding="ascii")
        self._program = program
        verified = f"compiled with `{self.config.compiler}` and run: its codes equal those of the integer program"
        if not has_compiler(self.config.compiler):
            verified = f"not compiled: there is no compiler `{self.config.compiler}`; the integer program was compared"
        return [
            f"{made.flash_bytes:,} bytes of constants, {made.ram_bytes:,} bytes of memory for activations",
            verified,
        ]

    def answered(self, path: pathlib.Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the numbers of the compiled file's codes.

        Raises:
            ExportError: if a code is another than that of the integer program.
        """
        program = self._program
        if program is None:
            raise ExportError("c_array: a header is verified by the exporter that wrote it.")
        source, target = (program.tensors[each[0]] for each in (program.inputs, program.outputs))
        codes = source.rounded(inputs[0])
        [expected] = run(program, [codes])
        if has_compiler(self.config.compiler):
            wide = any(each.low < -128 or each.high > 127 for each in program.tensors.values())
            given = codes.astype(np.int16 if wide else np.int8)
            length = int(np.prod(target.shape))
            found = compiled_answers(path, self.config.prefix, self.config.compiler, given, length)
            wrong = int(np.count_nonzero(found != expected.reshape(found.shape)))
            if wrong:
                raise ExportError(f"c_array: {wrong} of {found.size} codes are others than the integer program's.")
        return [target.numbers(expected)]

    def tolerance(self, model: keras.Model) -> float:
        """Returns 0.05, as for `integer_reference`."""
        return 0.05


def build(config: ExporterConfig) -> CArrayExporter:
    """Returns an exporter of C headers.

    Args:
        config: settings.
    """
    return CArrayExporter(adopt(Config, config))
