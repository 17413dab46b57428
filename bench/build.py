"""Compile the two C programs into bench/bin, when their sources are newer."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BIN = HERE / "bin"
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
PROGRAMS = {
    "upstream": ["upstream.c", "llama.c", "request.c"],
    "load": ["load.c"],
}


def compile_programs() -> None:
    BIN.mkdir(exist_ok=True)
    newest = max(file.stat().st_mtime for file in HERE.glob("*.[ch]"))
    for name, sources in PROGRAMS.items():
        binary = BIN / name
        if binary.exists() and binary.stat().st_mtime > newest:
            continue
        files = [str(HERE / source) for source in sources]
        subprocess.run(["gcc", *FLAGS, "-o", str(binary), *files], check=True)
