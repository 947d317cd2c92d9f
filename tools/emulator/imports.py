# SPDX-License-Identifier: Apache-2.0
"""Run an emulated board for twenty virtual seconds; print which of its files it imports, as JSON.

    python -m tools.emulator.imports DIRECTORY

Ends with one line and exit code 1 unless the pipeline `main` scored windows without a problem.
Imports nothing of lib/tocsin itself: that would hide what the board imports. What the board
drops again from sys.modules is listed too.
"""

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
    paths = {"boot.py", "main.py"}
    for name in names:
        stem = name.replace(".", "/")
        files = (stem + ".py", stem + "/__init__.py")
        places = [*files, *("lib/" + file for file in files)]
        paths.update(path for path in places if (root / path).is_file())
    print(json.dumps(sorted(paths)))


if __name__ == "__main__":
    main()
