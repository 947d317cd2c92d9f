# SPDX-License-Identifier: Apache-2.0
"""Strict numbers, also as a person types them with a unit, and how a problem is told."""

_MAX_NUMBER = 24
SAME = {"°C": ("c", "°c", "degc"), "s": ("s",), "%": ("%",), "mm/s": ("mm/s",), "h": ("h",)}
"""Unit -> how it may be written."""


class ConfigError(ValueError):
    """A configuration that is refused. `problems`: one line each, at least one."""

    def __init__(self, problems):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__(self.problems[0])


def say(code: str, *args) -> str:
    """The text of a problem; texts are loaded with the first problem, not at boot."""
    from tocsin.config.messages import TEXTS
    return TEXTS[code] % args


def is_number(value) -> bool:
    """True for a finite int or float; a bool is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -1e30 < value < 1e30


def parse_number(text: str):
    """An int or a finite float from JSON's number grammar. Raises ConfigError with the reason."""
    if len(text) > _MAX_NUMBER:
        raise ConfigError(say("long", _MAX_NUMBER))
    end = _number_end(text, 0)
    if end == 0 or end != len(text):
        raise ConfigError(say("digits"))
    if "." in text or "e" in text or "E" in text:
        value = float(text)
    else:
        value = int(text)
    if not is_number(value):
        raise ConfigError(say("large"))
    return value


def _digits(text, at):
    while at < len(text) and "0" <= text[at] <= "9":
        at += 1
    return at


def _number_end(text, start):
    at = start + 1 if text[start:start + 1] == "-" else start
    first = at
    at = _digits(text, at)
    if at == first or (text[first] == "0" and at > first + 1):
        return start
    if text[at:at + 1] == ".":
        fraction = at + 1
        at = _digits(text, fraction)
        if at == fraction:
            return start
    if text[at:at + 1] in ("e", "E"):
        at += 1
        if text[at:at + 1] in ("+", "-"):
            at += 1
        exponent = at
        at = _digits(text, exponent)
        if at == exponent:
            return start
    return at


def typed_number(text: str, unit: str, path: str):
    """The number that a person typed, with its unit or without. Raises ConfigError."""
    number, rest = text, ""
    for i in range(len(text)):
        if text[i] not in "+-.,_eE0123456789":
            number, rest = text[:i].rstrip(), text[i:].strip()
            break
    if not any("0" <= c <= "9" for c in number):
        number, rest = text, ""
    if rest and rest.lower() not in SAME.get(unit, (unit.lower(),)):
        if rest.lower() in ("f", "°f", "degf") and unit == "°C":
            raise ConfigError("%s: unit is °C; convert from °F first" % path)
        raise ConfigError("%s: unit is %s; write only a number" % (path, unit or "none"))
    try:
        return parse_number(number)
    except ConfigError as error:
        raise ConfigError("%s: %s" % (path, _number_hint(number) or error.problems[0]))


def _number_hint(text):
    lower = text.lower()
    if "nan" in lower or "inf" in lower:
        return "not a finite number; write digits such as 8.0"
    if "_" in text:
        return "no underscores in numbers; write digits such as 1000"
    if "," in text:
        return "no commas in numbers; write a decimal point, such as 8.0"
    return None
