# SPDX-License-Identifier: Apache-2.0
"""A number as a person types it, with its unit or without."""

from tocsin.config.numbers import ConfigError, parse_number

SAME = {"°C": ("c", "°c", "degc"), "s": ("s",), "%": ("%",), "mm/s": ("mm/s",), "h": ("h",)}
"""Unit -> how it may be written."""


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
