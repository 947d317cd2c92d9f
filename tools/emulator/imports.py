# SPDX-License-Identifier: Apache-2.0
"""Run an emulated board for twenty virtual seconds; print which of its files it needs, as JSON.

    python -m tools.emulator.imports DIRECTORY

Ends with one line and exit code 1 unless the pipeline `main` scored windows without a problem.
Imports nothing of lib/tocsin itself: that would hide what the board imports. "imported" are all
that it ever loads, "kept" those whose names and functions something still refers to at the end.
"""

import gc
import json
import sys
from pathlib import Path
from typing import Any

from tools.emulator.board import Board

_RUN_S = 20


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    names: list[str] = []
    seen: list[dict[str, Any]] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import":
            names.append(arguments[0])

    spec = {"name": "imports", "end_s": _RUN_S, "watch_s": _RUN_S - 5, "utc": 1_767_225_600}
    board = Board(root, spec, seen.append)
    sys.addaudithook(note)
    reason = board.run()
    status = [event["status"] for event in seen if event["kind"] == "status"]
    if reason != "end" or not status:
        told = [event["text"] for event in seen if event["kind"] == "console" and event["text"]]
        print(f"the board stopped: {reason}; {' '.join(told[-1:])}")
        sys.exit(1)
    if status[-1]["problems"] or not status[-1]["pipelines"]["main"]["windows"]:
        print(f"nothing was scored: {status[-1]['problems']}")
        sys.exit(1)
    paths = {name: path for name in names for path in files(root, name)}
    gc.collect()
    alive = [held for held in gc.get_objects() if type(held) is dict and "__spec__" in held]
    kept = {paths[held["__name__"]] for held in alive if held.get("__name__") in paths}
    ever = {"boot.py", "main.py", *paths.values()}
    print(json.dumps({"imported": sorted(ever), "kept": sorted({"boot.py", "main.py", *kept})}))


def files(root: Path, name: str) -> list[str]:
    """Where the board has a module's file: none, or one path."""
    stem = name.replace(".", "/")
    own = (stem + ".py", stem + "/__init__.py")
    return [p for p in (*own, *("lib/" + file for file in own)) if (root / p).is_file()][:1]


if __name__ == "__main__":
    main()
