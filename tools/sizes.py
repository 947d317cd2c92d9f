# SPDX-License-Identifier: Apache-2.0
"""What the device code weighs: lines and .mpy bytes per module, and what a template loads.

    make sizes                             prints the tables, leaves build/sizes.json
    python -m tools.sizes --manifest       rewrites the mip manifest package.json
"""

import argparse
import ast
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

import tocsin
from tools import native_abi
from tools.loaded import loaded_modules, native, template_names
from tools.mpy import ARCHES, ROOT, CompileError, arches, compile_file, device_files, device_path

LIMIT = 64 * 1024
OUT = ROOT / "build" / "sizes.json"


def mpy_bytes(path: Path, arch: str | None = None) -> int:
    """Bytes of a file's .mpy: bytecode; native code for `arch`, or the largest of all."""
    try:
        return compile_file(path).stat().st_size
    except CompileError:
        wanted = [arch] if arch else arches(path)
        return max(compile_file(path, a).stat().st_size for a in wanted)


def weight(paths: Iterable[str], arch: str | None = None) -> int:
    """Bytes of .mpy of some project paths."""
    return sum(mpy_bytes(ROOT / path, arch) for path in paths)


def modules() -> dict[str, dict[str, int]]:
    """Path -> {"lines", "mpy_bytes"} of every file of the device."""
    return {
        device_path(path)[1:]: {
            "lines": len(path.read_text().splitlines()),
            "mpy_bytes": mpy_bytes(path),
        }
        for path in device_files()
    }


def manifest() -> dict:
    """The mip manifest: `mip.install` of this repository copies lib/tocsin to the board's /lib.

    Without the assembler that needs a build step: its source loads nowhere.
    """
    library = [p for p in device_files() if device_path(p).startswith("/lib/tocsin/")]
    library = [p for p in library if not p.name.startswith(tuple(native_abi.ARCHES))]
    return {
        "urls": [[device_path(p)[len("/lib/") :], device_path(p)[1:]] for p in library],
        "deps": [],
        "version": tocsin.__version__,
    }


def write_manifest() -> None:
    lines = [json.dumps(pair) for pair in manifest()["urls"]]
    urls = ",\n    ".join(lines)
    text = '{\n  "urls": [\n    %s\n  ],\n  "deps": [],\n  "version": "%s"\n}\n'
    (ROOT / "package.json").write_text(text % (urls, tocsin.__version__))


_TYPING = ("console_line", "console_desk", "console_session")
"""What is loaded with the first byte typed."""


def _homes() -> tuple:
    """The table of commands in firmware/console_desk.py, which is read and not imported."""
    tree = ast.parse((ROOT / "firmware" / "console_desk.py").read_text())
    constants: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.Assign)]
    values: dict = {}
    exec(compile(ast.Module(constants, []), "console_desk", "exec"), {}, values)
    return values["HOMES"]


def _project_path(module: str) -> str:
    folder = "lib/" if module.startswith("tocsin.") else ""
    return folder + module.replace(".", "/") + ".py"


def console_commands() -> dict[str, list[str]]:
    """Command -> what is loaded for it while somebody types at the serial line."""
    session = [f"firmware/{name}.py" for name in _TYPING]
    found = {}
    for commands, home, needed in _homes():
        paths = {_project_path(module) for module in (*needed, home)}
        for command in commands:
            found[command] = sorted(paths.union(session))
    return found


def console_modules() -> list[str]:
    """What is loaded only while somebody types, with all that commands may load."""
    found = {path for paths in console_commands().values() for path in paths}
    for name in ("console", "calibration", "maintenance"):
        found.add(f"firmware/{name}.py")
    for name in ("rules", "sections", "strict"):
        found.add(f"lib/tocsin/config/{name}.py")
    return sorted(found)


def measure() -> dict:
    """The content of build/sizes.json."""
    loaded: dict[str, int] = {}
    starting: dict[str, int] = {}
    once: dict[str, int] = {}
    by_arch: dict[str, dict[str, int]] = {}
    for template in template_names():
        found = loaded_modules(template)
        by_arch[template] = {arch: weight(native(found.running, arch), arch) for arch in ARCHES}
        loaded[template] = max(by_arch[template].values())
        starting[template] = weight(found.starting)
        once[template] = weight(found.new_config)
    console = {name: weight(paths) for name, paths in console_commands().items()}
    return {
        "loaded": loaded,
        "by_arch": by_arch,
        "starting": starting,
        "new_config": once,
        "console": max(console.values()),
        "console_commands": console,
        "modules": modules(),
    }


def show(sizes: dict, console: Console) -> None:
    table = Table("module", "lines", ".mpy bytes")
    for path, row in sizes["modules"].items():
        table.add_row(path, str(row["lines"]), str(row["mpy_bytes"]))
    rows = sizes["modules"].values()
    table.add_section()
    table.add_row("all", *(str(sum(row[key] for row in rows)) for key in ("lines", "mpy_bytes")))
    console.print(table)
    title = f"a running board keeps, bytes of .mpy (limit {LIMIT})"
    table = Table("template", *ARCHES, "of limit", "to start", "new config", title=title)
    for template, size in sizes["loaded"].items():
        cells = [str(value) for value in sizes["by_arch"][template].values()]
        more = [f"+{sizes[key][template]}" for key in ("starting", "new_config")]
        table.add_row(template, *cells, f"{100 * size / LIMIT:.0f} %", *more)
    console.print(table)
    needy = sorted(sizes["console_commands"].items(), key=lambda item: -item[1])
    table = Table("command", ".mpy bytes", title="the console loads, while somebody types")
    for command, size in needy:
        table.add_row(command, str(size))
    console.print(table)
    console.print(f"Where memory is short, {sizes['console']} at once: those of one command.")
    console.print("What starting and checking a new config need is dropped again, one by one.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.sizes", description=__doc__)
    parser.add_argument("--manifest", action="store_true", help="rewrite package.json and stop")
    if parser.parse_args().manifest:
        write_manifest()
        return 0
    sizes = measure()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(sizes, indent=1) + "\n")
    show(sizes, Console())
    too_big = [name for name, size in sizes["loaded"].items() if size >= LIMIT]
    for name in too_big:
        print(f"{name}: a board loads more than {LIMIT} bytes of .mpy", file=sys.stderr)
    return 1 if too_big else 0


if __name__ == "__main__":
    sys.exit(main())
