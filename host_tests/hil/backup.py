# SPDX-License-Identifier: Apache-2.0
"""What a board held before the suite, kept on the host and put back afterwards.

    python -m host_tests.hil.backup build/hil/PORT PORT      puts it back by hand

Everything but /firmware and /lib is kept: configuration, models, recordings, state, logs. Of the
program (boot.py, main.py, board.json, deploy.json) nothing is put back: the board keeps the
firmware that was tested.
"""

from __future__ import annotations

import ast
import base64
import sys
from pathlib import Path

from host_tests.hil.rig import HilError, Prompt, Rig, plain

PROGRAM = ("/boot.py", "/main.py", "/board.json", "/deploy.json")
FOLDERS = ("/firmware", "/lib")
_NOT_FLASH = ("/dev", "/proc", "/tmp", "/home", "/remote")
_DONE = ".complete"
_PIECE = 1536

_EVERY = f"""
import os
def _every(folder):
    for entry in os.ilistdir(folder):
        path = folder.rstrip("/") + "/" + entry[0]
        if path in {(*FOLDERS, *_NOT_FLASH)!r}:
            continue
        if entry[1] & 0x4000:
            _every(path)
        else:
            print(repr(path))
_every("/")
"""
_READ = """
import binascii
with open({path!r}, "rb") as file:
    while True:
        piece = file.read(768)
        if not piece:
            break
        print(str(binascii.b2a_base64(piece), "ascii").strip())
"""
_WRITE = """
import binascii, os
at = ""
for part in {path!r}.split("/")[1:-1]:
    at += "/" + part
    try:
        os.mkdir(at)
    except OSError:
        pass
def w(text):
    with open({path!r}, "ab") as file:
        file.write(binascii.a2b_base64(text))
open({path!r}, "wb").close()
"""


def files(link: Prompt) -> list[str]:
    """Every file outside of the program's folders."""
    return [ast.literal_eval(line) for line in link.run(_EVERY).splitlines()]


def read(link: Prompt, path: str) -> bytes:
    lines = link.run(_READ.format(path=path)).splitlines()
    return b"".join(base64.b64decode(line) for line in lines)


def write(link: Prompt, path: str, data: bytes) -> None:
    link.run(_WRITE.format(path=path))
    for at in range(0, len(data), _PIECE):
        link.run(f"w({base64.b64encode(data[at : at + _PIECE])!r})\n")


def clear(rig: Rig) -> None:
    """Remove every file but the program's; `save` has kept them."""
    with rig.prompt() as link:
        _remove(link, sorted(set(files(link)) - set(PROGRAM)))


def _remove(link: Prompt, paths: list[str]) -> None:
    for path in paths:
        link.run(f"import os\nos.remove({path!r})\n")


def folder_of(root: Path, port: str) -> Path:
    """Where the backup of the board at a port lies."""
    return root / "".join(c if c.isalnum() else "_" for c in port).strip("_")


def save(rig: Rig, folder: Path) -> int:
    """Copy the board's files into a new folder; how many. Raises HilError if one is there."""
    if folder.exists():
        raise HilError(
            f"{folder} holds what the board had before a run that did not end; put it back with "
            f"python -m host_tests.hil.backup {folder} {rig.port}, or remove the folder"
        )
    with rig.prompt() as link:
        found = {path: read(link, path) for path in files(link)}
    for path, data in found.items():
        target = folder / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _DONE).touch()
    return len(found)


def restore(rig: Rig, folder: Path) -> None:
    """Bring the board's files back to what `folder` holds, the program left alone; the folder
    goes. Raises HilError."""
    if not (folder / _DONE).is_file():
        raise HilError(f"{folder}: no complete backup; nothing was changed on the board")
    kept = {
        "/" + path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _DONE
    }
    rig.remove_probe()
    with rig.prompt() as link:
        there = set(files(link))
        _remove(link, sorted(there - set(kept) - set(PROGRAM)))
        for path, data in kept.items():
            if path in PROGRAM:
                continue
            if path not in there or read(link, path) != data:
                write(link, path, data)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -m host_tests.hil.backup FOLDER PORT", file=sys.stderr)
        return 2
    rig = Rig(arguments[1], "rpi_pico")
    try:
        plain(rig.interrupt)
        plain(lambda: restore(rig, Path(arguments[0])))
        plain(rig.reset)
    except HilError as error:
        print(f"backup: {error}", file=sys.stderr)
        return 2
    print(f"{arguments[1]}: its files are back")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
