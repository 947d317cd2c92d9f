# SPDX-License-Identifier: Apache-2.0
"""Where the app lives, how often the board has booted, and whether it crashes again and again.

There is one slot, the root of the file system. /boot.rec is one line, at most 512 bytes: CRC32 in
hex and a JSON object, replaced as a whole. A damaged one starts again at 1 and is never fatal, but
with it the count of crashes is gone: together with an abnormal reset it means a safe boot. Keys
that are not known here stay in it. Its keys:

boots    boots so far                           crashes  abnormal resets so far
young    this boot has not yet run 10 minutes   early    abnormal resets of young boots, in a row
wanted   why the reset that follows is meant (rp2 shows it like one of the watchdog)
"""

import binascii
import json
import os

_RECORD = "boot.rec"
_LIMIT = 512
_EARLY = 5
_PERSON = "person"

_record = {}
_now = {"cause": "unknown", "safe": False, "wanted": None}


def start(machine=None) -> int:
    """Count this boot and return its number; called once, by boot.py.

    machine: the module, or a stand-in. After the fifth early abnormal reset the boot is a safe
    one; the next one tries again, and one more early reset makes it a safe one.
    """
    if machine is None:
        import machine
    kept = _read()
    _record.clear()
    _record.update(kept or {})
    cause = _now["cause"] = _cause(machine)
    wanted = _now["wanted"] = _record.get("wanted")
    boots = _record["boots"] = _record.get("boots", 0) + 1
    if (boots > 1 or kept is None) and wanted is None and cause in ("HARD", "WDT", "unknown"):
        _record["crashes"] = _record.get("crashes", 0) + 1
        _record["early"] = _record.get("early", 0) + 1 if _record.get("young") else 0
        if kept is None:
            _record["early"] = _EARLY
    _now["safe"] = _record.get("early", 0) >= _EARLY
    if _now["safe"]:
        _record["early"] = _EARLY - 1
    _record["young"] = True
    _write()
    if wanted == _PERSON:  # a soft reset leaves the watchdog on, and who is at the prompt stays
        from firmware.watchdog import hold

        hold(machine)
    return boots


def running() -> None:
    """main.py has begun: from now on a reset is abnormal again."""
    if _record.pop("wanted", None) is not None:
        _write()


def settled() -> None:
    """This boot has run for 10 minutes."""
    if _record.pop("young", None):
        if not _now["safe"]:
            _record["early"] = 0
        _write()


def expect(why: str) -> None:
    """The next reset is meant; `why`: one word."""
    if not _record:  # boot.py did not get that far
        _record.update(_read() or {"boots": 0})
    _record["wanted"] = why
    _write()


def boot_id() -> int:
    """The number of this boot; 0 before `start`."""
    return _record.get("boots", 0)


def safe() -> bool:
    """Whether this boot must get by with the least: no models, no derived values."""
    return _now["safe"]


def report() -> dict:
    """reset_cause (PWRON, HARD, WDT, DEEPSLEEP, SOFT), wanted (why, or None), crashes, safe."""
    return {"reset_cause": _now["cause"], "wanted": _now["wanted"],
            "crashes": _record.get("crashes", 0), "safe": _now["safe"]}


def root() -> str:
    """Path prefix of the running slot."""
    return "/"


def _cause(machine) -> str:
    """By the names that the port's module has: their numbers are not the same everywhere."""
    cause = machine.reset_cause()
    for name in ("PWRON", "HARD", "WDT", "DEEPSLEEP", "SOFT"):
        if getattr(machine, name + "_RESET", None) == cause:
            return name
    return "unknown"


def _read():
    """The record, {} where there is none yet, None for a damaged one."""
    try:
        with open(_RECORD) as file:
            text = file.read(_LIMIT)
    except OSError:
        return {}
    except ValueError:  # not even UTF-8
        return None
    try:
        body = text[9:]
        if "%08x" % (binascii.crc32(body.encode()) & 0xFFFFFFFF) != text[:8]:
            return None
        record = json.loads(body)
        return record if type(record.get("boots")) is int else None
    except (ValueError, AttributeError):
        return None


def _write() -> None:
    body = json.dumps(_record)
    text = "%08x %s" % (binascii.crc32(body.encode()) & 0xFFFFFFFF, body)
    try:
        if len(text) > _LIMIT:
            raise OSError("too long")
        with open(_RECORD + ".new", "w") as file:
            file.write(text)
        os.rename(_RECORD + ".new", _RECORD)
    except OSError as error:
        print("boot.rec not written:", error)
