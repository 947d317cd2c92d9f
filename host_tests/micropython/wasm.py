# SPDX-License-Identifier: Apache-2.0
"""Starts the WebAssembly MicroPython with the project's files in its file system."""

import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tools.mpy import ROOT, compile_for_bytecode_vm, device_files, device_path

HOST_TESTS = ROOT / "host_tests"
CONTRACT = HOST_TESTS / "contract"
PATH = ["/host_tests/contract", "/standins", "", "/lib", ".frozen"]
_MODULE = HOST_TESTS / "node_modules" / "@micropython" / "micropython-webassembly-pyscript"
_TIMEOUT_S = 300


@cache
def missing() -> str | None:
    """Why MicroPython cannot be run here, or None."""
    if shutil.which("node") is None:
        return "node (18 or newer) is not installed"
    if not _MODULE.is_dir():
        return "run `npm ci --prefix host_tests` first"
    return None


@cache
def device_tree(form: str) -> dict[str, str]:
    """Path inside -> host file of everything a test may load; `form` is "py" or "mpy"."""
    sources = device_files() + sorted(CONTRACT.glob("*.py"))
    sources += sorted((ROOT / "tools" / "emulator" / "chips").glob("*.py"))
    files = {}
    for path in sources:
        if form == "mpy":
            files[device_path(path)[:-3] + ".mpy"] = str(compile_for_bytecode_vm(path))
        else:
            files[device_path(path)] = str(path)
    data = sorted((ROOT / "board_configs").rglob("*.json"))
    data += sorted((HOST_TESTS / "vectors").glob("*"))
    files.update((device_path(path), str(path)) for path in data if path.is_file())
    for path in (HOST_TESTS / "micropython" / "standins").glob("*.py"):
        files[f"/standins/{path.name}"] = str(path)
    return files


def run(
    *steps: str, form: str = "py", files: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run Python sources on MicroPython, one after the other. Returns (exit code, output).

    They set `exit_code`. After a step that calls gc.collect() the garbage is gone (not earlier).
    `files` adds to the file system: path inside -> host file.
    """
    job = {"files": {**device_tree(form), **(files or {})}, "path": PATH, "steps": steps}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        command = ["node", str(HOST_TESTS / "micropython" / "run.mjs"), file.name]
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            output = (error.stdout or b"").decode(errors="replace")
            return 124, f"{output}\nstopped after {_TIMEOUT_S} s"
    return done.returncode, done.stdout


def run_tests(
    path: Path, names: list[str], form: str, files: dict[str, str] | None = None
) -> dict[str, tuple[str, str]]:
    """Run tests of one contract file. Returns name -> ("ok"|"skip"|"fail", reason or output)."""
    module = path.stem
    code = (
        f"import unittest\nimport {module}\n"
        f"exit_code = 1 if unittest.run({module}, {names!r}) else 0"
    )
    exit_code, output = run(code, form=form, files=files)
    results: dict[str, tuple[str, str]] = {}
    told: list[str] = []
    for line in output.splitlines():
        mark, _, rest = line.partition("\t")
        if mark in ("@ok", "@skip", "@fail"):
            name, _, reason = rest.partition("\t")
            results[name] = (mark[1:], reason if mark == "@skip" else "\n".join(told))
            told = []
        else:
            told.append(line)
    end = "\n".join(told[-40:]) + f"\nMicroPython ended with exit code {exit_code}"
    failed = any(kind == "fail" for kind, _ in results.values())
    for name in names:
        if name not in results or exit_code not in (0, 1) or (exit_code == 1) != failed:
            results[name] = ("fail", f"no trustworthy result for this test\n{end}")
    return results
