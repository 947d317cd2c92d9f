# SPDX-License-Identifier: Apache-2.0
"""Version 1 of the device configuration, as data, and the walk that checks a value against it.

A spec is a tuple: ("num"|"int", low, high, unit), ("bool",), ("text", longest), ("choice", ...),
("id",), ("source",), ("null", spec), ("list", spec, longest), ("map", spec, longest) from ids to
spec, ("free", depth) for a driver's own keys, ("part", name) for one in `sections`, imported when
met, ("object", {key: (spec,) or (spec, default)}). A key with a default may be left out. The unit
"=" means: the unit of the alarm's source.
"""

from tocsin.config.numbers import is_number, say

VERSION = 1
MAX_PROBLEMS = 20

_ID_FIRST = "abcdefghijklmnopqrstuvwxyz"
_ID_MORE = _ID_FIRST + "0123456789_-"

SECONDS = ("num", 0, 500000, "s")
_LEVEL = ("num", -1e9, 1e9, "=")
ANY = ("num", -1e9, 1e9, "")
NAME = ("text", 32)
_PLACE = (("choice", "never", "on_alarm", "always"), "never")
_ALWAYS = (_PLACE[0], "always")


def optional(spec, default=None):
    """A field that may be left out or null."""
    return (("null", spec), default)


_GATE = ("object", {
    "source": (NAME,), "on": (ANY,), "off": (ANY,), "hold_on_s": (SECONDS, 0),
    "hold_off_s": (SECONDS, 0)})

_PIPELINE = ("object", {
    "sensor": (("free", 2),), "model": optional(("text", 64)),
    "schedule": optional(("object", {
        "every_s": (("num", 0.01, 86400, "s"),), "windows": (("int", 1, 1000, "windows"), 1)})),
    "run_gate": optional(_GATE), "cold_chain": optional(("part", "COLD_CHAIN")),
    "vibration": optional(("part", "VIBRATION")),
    "placement": (("object", {
        "raw": _PLACE, "features": _PLACE, "scores": (_PLACE[0], "on_alarm"),
        "alarms": _ALWAYS, "summaries": _ALWAYS}), {}),
    "summary_every_s": (("num", 1, 86400, "s"), 900)})

_ALARM = ("object", {
    "source": (("source",),), "side": (("choice", "high", "low"),), "limit": (("null", _LEVEL),),
    "warning": optional(_LEVEL), "delay_s": (("null", SECONDS), 0),
    "warning_delay_s": optional(SECONDS),
    "dead_band": (("num", 0, 1e9, "="), 0), "latch": (("bool",), False),
    "cumulative_s": optional(("int", 1, 31536000, "s")),
    "cumulative_window_s": optional(("int", 24, 2678400, "s")),
    "sensor_fault_s": (("null", SECONDS), 60),
    "data_missing_s": (("null", ("num", 1, 500000, "s")), 900),
    "max_gap_s": optional(("num", 0.001, 500000, "s")),
    "suppress": (("list", ("choice", "defrost", "maintenance"), 2), ()),
    "suppress_max_s": (("num", 1, 500000, "s"), 5400)})

_OUTPUT = ("object", {
    "driver": (("id",),), "pin": optional(("int", 0, 255, "")),
    "alarms": (("list", ("id",), 64),), "level": (("choice", "warning", "alarm"), "alarm"),
    "latch": (("bool",), False), "fail_safe": (("bool",), True)})

SCHEMA = ("object", {
    "version": (("int", VERSION, VERSION, ""),),
    "device": (("object", {
        "id": (("id",),), "site": (("text", 64), ""), "board": optional(("id",))}),),
    "pipelines": (("map", _PIPELINE, 16),), "alarms": (("map", _ALARM, 64),),
    "outputs": (("map", _OUTPUT, 16), {}),
    "sinks": (("list", ("free", 1), 8), ())})


def is_id(value) -> bool:
    """True for a lower-case identifier of 1 .. 32 characters that starts with a letter."""
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or value[0] not in _ID_FIRST:
        return False
    return all(c in _ID_MORE for c in value)


def is_source(value) -> bool:
    """True for PIPELINE.VALUE: an id, a dot, a name without dots or spaces at its ends."""
    if not isinstance(value, str) or value.count(".") < 1:
        return False
    pipeline, name = value.split(".", 1)
    return is_id(pipeline) and 1 <= len(name) <= 64 and is_line(name)


def is_line(text) -> bool:
    """True for printable text on one line: no controls, line separators, lone surrogates."""
    return text == text.strip() and not any(_is_bad(ord(c)) for c in text)


def _is_bad(code):
    return code < 32 or 127 <= code < 160 or code in (0x2028, 0x2029) or 0xD800 <= code < 0xE000


def shown(key) -> str:
    """A key made fit for one line of a message: printable ASCII, at most 32 characters."""
    text = str(key)[:32]
    return "".join([c if " " < c < "\x7f" else "?" for c in text])


def note(problems: list, path: str, code: str, *args):
    """Append the problem `code` (see `messages`) at `path`."""
    problems.append("%s: %s" % (path, say(code, *args)))


def inner(spec):
    """The spec behind ("null", ...) and ("part", ...)."""
    while spec[0] in ("null", "part"):
        if spec[0] == "null":
            spec = spec[1]
        else:
            from tocsin.config import sections
            spec = getattr(sections, spec[1])
    return spec


def check(spec, value, path: str, problems: list):
    """Append to `problems` what `value` breaks of `spec`; never raises on JSON values."""
    if len(problems) >= MAX_PROBLEMS:
        return
    if spec[0] == "null" and value is None:
        return
    spec = inner(spec)
    kind = spec[0]
    if kind == "object":
        _check_object(spec[1], value, path, problems)
    elif kind == "map":
        _check_map(spec, value, path, problems)
    elif kind == "list":
        if not isinstance(value, (list, tuple)) or len(value) > spec[2]:
            note(problems, path, "list", spec[2])
            return
        for i in range(len(value)):
            check(spec[1], value[i], "%s[%d]" % (path, i), problems)
    elif kind == "free":
        _check_free(value, path, problems, spec[1])
    else:
        wrong = _scalar_problem(spec, value)
        if wrong:
            note(problems, path, *wrong)


def _scalar_problem(spec, value):
    kind = spec[0]
    if kind in ("num", "int"):
        return _number_problem(kind, spec, value)
    if kind == "bool":
        return None if isinstance(value, bool) else ("bool",)
    if kind == "text":
        if isinstance(value, str) and len(value) <= spec[1] and is_line(value):
            return None
        return "line_text", spec[1]
    if kind == "choice":
        if isinstance(value, str) and value in spec[1:]:
            return None
        return "choice", ", ".join(spec[1:])
    if kind == "id":
        return None if is_id(value) else ("id",)
    return None if is_source(value) else ("source",)


def _number_problem(kind, spec, value):
    if not is_number(value):
        return "num", spec[1]
    if kind == "int" and not isinstance(value, int):
        return ("int",)
    if not spec[1] <= value <= spec[2]:
        return "range", spec[1], spec[2], "" if spec[3] == "=" else spec[3]
    return None


def _check_object(fields, value, path, problems):
    if not isinstance(value, dict):
        note(problems, path or "config", "object")
        return
    before = path + "." if path else ""
    for key in value:
        if key not in fields:
            note(problems, before + shown(key), "unknown")
    for key in fields:
        field = fields[key]
        if key in value:
            check(field[0], value[key], before + key, problems)
        elif len(field) == 1:
            note(problems, before + key, "missing")


def _check_map(spec, value, path, problems):
    if not isinstance(value, dict) or len(value) > spec[2]:
        note(problems, path, "map", spec[2])
        return
    for key in value:
        if not is_id(key):
            note(problems, path + "." + shown(key), "id")
        else:
            check(spec[1], value[key], path + "." + key, problems)


def _check_free(value, path, problems, depth):
    if not isinstance(value, dict):
        note(problems, path, "free")
    elif not is_id(value.get("driver")):
        note(problems, path + ".driver", "driver")
    else:
        for key in value:
            if not isinstance(key, str) or not is_line(key) or not _is_plain(value[key], depth):
                note(problems, path + "." + shown(key), "plain")


def _is_plain(value, depth):
    if isinstance(value, (dict, list, tuple)):
        keys = value if isinstance(value, dict) else range(len(value))
        return depth > 0 and all(_is_plain(value[key], depth - 1) for key in keys)
    return value is None or isinstance(value, (bool, str)) or is_number(value)


def validate(config) -> list:
    """Problems of any JSON value as one-liners "path: what is wrong; what to do"; [] when good."""
    problems = []
    check(SCHEMA, config, "", problems)
    if not problems:
        from tocsin.config.rules import cross_check
        cross_check(config, problems)
    return problems[:MAX_PROBLEMS]
