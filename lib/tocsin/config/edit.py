# SPDX-License-Identifier: Apache-2.0
"""Read and change one value of a configuration by its dotted path, as typed by a person."""

from tocsin.config.defaults import copy
from tocsin.config.redaction import MASK, is_secret
from tocsin.config.schema import SCHEMA, inner, shown, validate
from tocsin.config.strict import ConfigError, loads, parse_number

_UNITS = {
    "temperature": "°C", "mkt": "°C", "humidity": "%", "velocity_rms": "mm/s", "score": "x normal",
    "drift": "x baseline", "door_open_s": "s", "defrost_s": "s"}
_SAME = {"°C": ("c", "°c", "degc"), "s": ("s",), "%": ("%",), "mm/s": ("mm/s",), "h": ("h",)}
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def _walk(config, path):
    """(spec, holder, key): where `path` leads. Raises ConfigError."""
    parts = path.split(".")
    spec, value, holder, key = SCHEMA, config, None, None
    for i in range(len(parts)):
        holder, key = value, parts[i]
        spec = inner(spec)
        if spec[0] == "object" and key in spec[1]:
            spec = spec[1][key][0]
        elif spec[0] == "map" and key in holder:
            spec = spec[1]
        elif spec[0] == "free" and (key in holder):
            spec = ("free", 0)
        else:
            raise ConfigError(_not_found(".".join(parts[:i]), spec, holder, key))
        value = holder.get(key)
        if value is None and i + 1 < len(parts):
            raise ConfigError("%s is not set; set it as a whole" % ".".join(parts[:i + 1]))
        if i + 1 < len(parts) and not isinstance(value, dict):
            raise ConfigError("%s has no parts; leave out what follows" % ".".join(parts[:i + 1]))
    return spec, holder, key


def _not_found(where, spec, holder, key):
    known = spec[1] if spec[0] == "object" else holder
    names = ", ".join(sorted(known)) if isinstance(known, dict) else "none"
    return "no %s in %s; known: %s" % (shown(key), where or "the config", names[:120])


def unit_of(config: dict, path: str, units=None) -> str:
    """The unit of the number at `path`, "" without one.

    units: {"PIPELINE.VALUE": unit} that the firmware knows from its drivers and bundles.
    """
    spec, holder, _ = _walk(config, path)
    spec = inner(spec)
    if spec[0] not in ("num", "int"):
        return ""
    if spec[3] != "=":
        return spec[3]
    source = holder["source"]
    if units and source in units:
        return units[source]
    pipeline, name = source.split(".", 1)
    channels = config["pipelines"][pipeline]["sensor"].get("channels")
    for channel in channels if isinstance(channels, (list, tuple)) else ():
        if isinstance(channel, dict) and channel.get("name") == name and "unit" in channel:
            unit = str(channel["unit"])
            return "°C" if unit.lower() in _SAME["°C"] else unit
    return _UNITS.get(name, "")


def get_value(config: dict, path: str, units=None):
    """(value, unit) at a dotted path; secrets come as "***". Raises ConfigError."""
    _, holder, key = _walk(config, path)
    if any(is_secret(part) for part in path.split(".")):
        return MASK, ""
    return holder.get(key), unit_of(config, path, units)


def set_value(config: dict, path: str, text: str, units=None):
    """Put what a person typed at `path`; returns (old, new, unit).

    Changes `config` in place, and only when the whole stays valid. Numbers may carry their unit
    ("8.0 °C"), nothing else; null or none clears what may be empty. Raises ConfigError with one
    line that says what to do.
    """
    spec, holder, key = _walk(config, path)
    unit = unit_of(config, path, units)
    new = _parse(spec, text.strip(), unit, path, holder.get(key))
    trial = copy(config)
    _, trial_holder, _ = _walk(trial, path)
    trial_holder[key] = new
    problems = validate(trial)
    if problems:
        raise ConfigError(problems)
    old = holder.get(key)
    holder[key] = new
    if any(is_secret(part) for part in path.split(".")):
        return MASK, MASK, ""
    return old, new, unit


def _parse(spec, text, unit, path, old):
    if spec[0] == "null":
        if text in ("null", "none"):
            return None
        return _parse(spec[1], text, unit, path, old)
    if spec[0] in ("num", "int"):
        return typed_number(text, unit, path)
    if spec[0] == "bool":
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        raise ConfigError("%s: write true or false" % path)
    if spec[0] in ("list", "object", "map") or (spec[0] == "free" and not isinstance(old, str)):
        try:
            return loads(text)
        except ConfigError as error:
            raise ConfigError("%s: needs JSON; %s" % (path, error.problems[0]))
    if text[:1] in ('"', "'"):
        if len(text) < 2 or text[-1] != text[0] or text[0] in text[1:-1]:
            raise ConfigError("%s: one quote too many or too few; leave quotes out" % path)
        return text[1:-1]
    return text


def typed_number(text: str, unit: str, path: str):
    """The number that a person typed, with its unit or without. Raises ConfigError."""
    number, rest = text, ""
    for i in range(len(text)):
        if text[i] not in "+-.,_eE0123456789":
            number, rest = text[:i].rstrip(), text[i:].strip()
            break
    if not any("0" <= c <= "9" for c in number):
        number, rest = text, ""
    if rest and rest.lower() not in _SAME.get(unit, (unit.lower(),)):
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
