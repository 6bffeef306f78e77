"""A header, compiled by the C compiler of this machine and run."""

import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from source.config.errors import ExportError

_MAIN = """
#define {guard}_TEST
#include "{name}"
#include <stdio.h>

int main(void)
{{
    static {prefix}_code input[{guard}_INPUT_LENGTH], output[{guard}_OUTPUT_LENGTH];
    if ({prefix}_test()) return 3;
    while (fread(input, sizeof *input, {guard}_INPUT_LENGTH, stdin) == {guard}_INPUT_LENGTH) {{
        {prefix}_infer(input, output);
        fwrite(output, sizeof *output, {guard}_OUTPUT_LENGTH, stdout);
    }}
    return 0;
}}
"""
# Every warning is an error: the file is to compile for whoever has such settings.
_FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")
_LONGEST_S = 600


def has_compiler(compiler: str) -> bool:
    """Returns whether a compiler is on this machine.

    Args:
        compiler: its command, such as `cc`; an empty one is never there.
    """
    return bool(compiler) and shutil.which(compiler) is not None


def compiled_answers(path: pathlib.Path, prefix: str, compiler: str, codes: np.ndarray, length: int) -> np.ndarray:
    """Returns what the compiled header answers, (b, length), after its own test.

    Args:
        path: of the header.
        prefix: of its names.
        compiler: command of a C99 compiler with the options of GCC.
        codes: of inputs (b, ...), in the type of the header's codes.
        length: codes of an output.

    Raises:
        ExportError: if it cannot be compiled, fails its own test, or answers with too little.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "network.h").write_bytes(path.read_bytes())
        (place / "main.c").write_text(_MAIN.format(guard=prefix.upper(), prefix=prefix, name="network.h"))
        _run([compiler, *_FLAGS, "-o", "run", "main.c"], place, b"", "cannot be compiled")
        answer = _run([str(place / "run")], place, codes.tobytes(), "fails its own test")
    found = np.frombuffer(answer, codes.dtype)
    if found.size != len(codes) * length:
        raise ExportError(f"c_array: {len(codes) * length} codes were expected of the program. Received: {found.size}.")
    return found.reshape(len(codes), length)


def _run(command: list[str], folder: pathlib.Path, given: bytes, what: str) -> bytes:
    try:
        done = subprocess.run(command, cwd=folder, input=given, capture_output=True, timeout=_LONGEST_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"c_array: the file {what}: {error}") from error
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()[:2000]
        raise ExportError(f"c_array: the file {what} (exit code {done.returncode}). {told}")
    return done.stdout
