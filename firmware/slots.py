# SPDX-License-Identifier: Apache-2.0
"""Where the app lives and how often the board has booted.

There is one slot, the root of the file system. The boot counter lies in /boot.rec, one line of
JSON with a CRC, replaced as a whole; a damaged record starts again at 1 and is never fatal.
"""

import binascii
import json
import os

_RECORD = "boot.rec"
_LIMIT = 512

_state = {"boots": 0}


def start() -> int:
    """Count this boot and return the number; called once, by boot.py."""
    boots = _read() + 1
    _state["boots"] = boots
    body = json.dumps({"boots": boots})
    try:
        with open(_RECORD + ".new", "w") as file:
            file.write("%08x %s" % (binascii.crc32(body.encode()) & 0xFFFFFFFF, body))
        os.rename(_RECORD + ".new", _RECORD)
    except OSError as error:
        print("boot.rec not written:", error)
    return boots


def boot_id() -> int:
    """The number of this boot; 0 before `start`."""
    return _state["boots"]


def root() -> str:
    """Path prefix of the running slot."""
    return "/"


def _read() -> int:
    try:
        with open(_RECORD) as file:
            text = file.read(_LIMIT)
        body = text[9:]
        if "%08x" % (binascii.crc32(body.encode()) & 0xFFFFFFFF) != text[:8]:
            return 0
        return int(json.loads(body)["boots"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
