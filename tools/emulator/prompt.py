# SPDX-License-Identifier: Apache-2.0
"""The Python prompt of an emulated board, after Ctrl-C: lines are executed in main.py's names.

Not MicroPython's REPL: one statement per line, no editing, no raw mode.
"""

import sys
import traceback
from typing import Any

from tools.emulator.hardware import SOFT_RESET
from tools.emulator.serial import Serial

_CTRL_D = 4
_STEP_US = 10_000


def run(serial: Serial, names: dict[str, Any], filename: str) -> None:
    """Take lines until Ctrl-D, which resets the board softly; time goes on meanwhile."""
    clock = serial.hw.clock
    out = sys.stdout
    out.write("MicroPython (emulated); Ctrl-D is a soft reset\n>>> ")
    names["__file__"] = filename
    line = bytearray()
    while True:
        try:
            while not serial.typed:
                clock.wait(_STEP_US)
            byte = serial.typed.popleft()
        except KeyboardInterrupt:
            line.clear()
            out.write("\n>>> ")
            continue
        if byte == _CTRL_D and not line:
            out.write("\n")
            serial.hw.reset(SOFT_RESET)
        if byte not in (10, 13):
            line.append(byte)
            continue
        text = line.decode("utf-8", "replace")
        line.clear()
        out.write(text + "\n")
        try:
            exec(compile(text, filename, "single"), names)
        except (Exception, KeyboardInterrupt):  # whatever was typed, the prompt comes back
            out.write(traceback.format_exc(limit=0))
        out.write(">>> ")
