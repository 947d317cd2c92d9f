# SPDX-License-Identifier: Apache-2.0
"""The Python prompt of an emulated board, after Ctrl-C: lines are executed in main.py's names.

Not MicroPython's REPL: one statement per line, no editing. After Ctrl-A it is the raw one, as far
as mpremote needs it: a script and Ctrl-D, Ctrl-D alone, Ctrl-C, Ctrl-B.
"""

import sys
import traceback
from typing import Any

from tools.emulator.hardware import SOFT_RESET
from tools.emulator.serial import Serial

_CTRL_A, _CTRL_B, _CTRL_D = 1, 2, 4
_STEP_US = 10_000
_HELLO = "MicroPython (emulated); Ctrl-D is a soft reset\n>>> "
_RAW_HELLO = "raw REPL; CTRL-B to exit\n>"


def run(serial: Serial, names: dict[str, Any], filename: str) -> None:
    """Take lines until Ctrl-D, which resets the board softly; time goes on meanwhile."""
    clock = serial.hw.clock
    out = sys.stdout
    out.write(_RAW_HELLO if serial.raw else _HELLO)
    names["__file__"] = filename
    line = bytearray()
    while True:
        try:
            while not serial.typed:
                clock.wait(_STEP_US)
            byte = serial.typed.popleft()
        except KeyboardInterrupt:
            line.clear()
            out.write("" if serial.raw else "\n>>> ")
            continue
        if byte in (_CTRL_A, _CTRL_B):
            serial.raw = byte == _CTRL_A
            line.clear()
            out.write(_RAW_HELLO if serial.raw else _HELLO)
            continue
        if byte == _CTRL_D and not line:
            out.write("OK\nMPY: soft reboot\n" if serial.raw else "\nMPY: soft reboot\n")
            serial.hw.reset(SOFT_RESET)
        if byte not in ((_CTRL_D,) if serial.raw else (10, 13)):
            line.append(byte)
            continue
        text = line.decode("utf-8", "replace")
        line.clear()
        out.write("OK" if serial.raw else text + "\n")
        problem = _execute(text, filename, names, serial.raw)
        out.write(f"\x04{problem}\x04>" if serial.raw else problem + ">>> ")


def _execute(text: str, filename: str, names: dict[str, Any], raw: bool) -> str:
    """Run what was typed; its traceback, or nothing."""
    try:
        exec(compile(text, filename, "exec" if raw else "single"), names)
    except (Exception, KeyboardInterrupt):  # whatever was typed, the prompt comes back
        return traceback.format_exc(limit=0)
    return ""
