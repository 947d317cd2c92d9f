# SPDX-License-Identifier: Apache-2.0
"""Read and change one value of a configuration by its dotted path, as typed by a person.

The configuration is valid; keys that it leaves out count with their defaults. A change costs the
time of what it touches, not that of the whole configuration.
"""

from tocsin.config.defaults import fill
from tocsin.config.numbers import SAME, ConfigError, typed_number
from tocsin.config.schema import SCHEMA, check, inner, shown
from tocsin.config.secret import MASK, is_secret

_UNITS = {
    "temperature": "°C", "mkt": "°C", "humidity": "%", "velocity_rms": "mm/s", "score": "x normal",
    "drift": "x baseline", "door_open_s": "s", "defrost_s": "s"}
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


class _Place:
    """Where `path` leads. Raises ConfigError.

    spec, holder, key: of the value; whole: (spec, holder, key, path) of what is checked when it
    changes; left_out: (holder, key, object) of the first object on the way that is not there.
    """

    def __init__(self, config, path):
        parts = path.split(".")
        spec, value, before = SCHEMA, config, None
        self.left_out = self.whole = None
        for i in range(len(parts)):
            holder, key = value, parts[i]
            spec, default = inner(spec), None
            if spec[0] == "object" and key in spec[1]:
                field = spec[1][key]
                spec, default = field[0], field[1] if len(field) > 1 else None
            elif spec[0] == "map" and key in holder:
                spec = spec[1]
            elif spec[0] == "free" and key in holder:
                self.whole = self.whole or (spec,) + before
                spec = ("free", 0)
            else:
                raise ConfigError(_not_found(".".join(parts[:i]), spec, holder, key))
            value = holder.get(key, default)
            if i + 1 < len(parts):
                here = ".".join(parts[:i + 1])
                if value is None:
                    raise ConfigError("%s is not set; set it as a whole" % here)
                if not isinstance(value, dict):
                    raise ConfigError("%s has no parts; leave out what follows" % here)
                before = (holder, key, here)
                if key not in holder:
                    value = fill(spec, value)
                    self.left_out = self.left_out or (holder, key, value)
        self.spec, self.holder, self.key = spec, holder, key
        self.value = fill(spec, value)
        self.whole = self.whole or (spec, holder, key, path)
        self.hidden = any(is_secret(part) for part in parts)


def _not_found(where, spec, holder, key):
    known = spec[1] if spec[0] == "object" else holder
    names = ", ".join(sorted(known)) if isinstance(known, dict) else "none"
    return "no %s in %s; known: %s" % (shown(key), where or "the config", names[:120])


def unit_of(config: dict, path: str, units=None) -> str:
    """The unit of the number at `path`, "" without one.

    units: {"PIPELINE.VALUE": unit} that the firmware knows from its drivers and bundles.
    """
    return _unit(config, _Place(config, path), units)


def _unit(config, place, units):
    spec = inner(place.spec)
    if spec[0] not in ("num", "int"):
        return ""
    if spec[3] != "=":
        return spec[3]
    source = place.holder["source"]
    if units and source in units:
        return units[source]
    pipeline, name = source.split(".", 1)
    channels = config["pipelines"][pipeline]["sensor"].get("channels")
    for channel in channels if isinstance(channels, (list, tuple)) else ():
        if isinstance(channel, dict) and channel.get("name") == name and "unit" in channel:
            unit = str(channel["unit"])
            return "°C" if unit.lower() in SAME["°C"] else unit
    return _UNITS.get(name, "")


def get_value(config: dict, path: str, units=None):
    """(value, unit) at a dotted path; secrets come as "***". Raises ConfigError."""
    place = _Place(config, path)
    if place.hidden:
        return MASK, ""
    return place.value, _unit(config, place, units)


def set_value(config: dict, path: str, text: str, units=None):
    """Put what a person typed at `path`; returns (old, new, unit).

    Changes `config` in place, and only when the whole stays valid. Numbers may carry their unit
    ("8.0 °C"), nothing else; null or none clears what may be empty. Raises ConfigError with one
    line that says what to do.
    """
    place = _Place(config, path)
    unit = _unit(config, place, units)
    new = _parse(place.spec, text.strip(), unit, path, place.value)
    change(config, place, path, new)
    return (MASK, MASK, "") if place.hidden else (place.value, new, unit)


def change(config: dict, place: _Place, path: str, new) -> None:
    """Put a value into its place, if the whole stays valid then. Raises ConfigError."""
    from tocsin.config.rules import check_around

    holder, key = place.holder, place.key
    was_there, old = key in holder, holder.get(key)
    holder[key] = new
    if place.left_out is not None:
        above, name, value = place.left_out
        above[name] = value
    problems = []
    spec, whole, name, where = place.whole
    check(spec, whole[name], where, problems)
    if not problems:
        check_around(config, path.split("."), problems)
    if problems:
        holder[key] = old
        if not was_there:
            del holder[key]
        if place.left_out is not None:
            del place.left_out[0][place.left_out[1]]
        raise ConfigError(problems)


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
        from tocsin.config.strict import loads

        try:
            return loads(text)
        except ConfigError as error:
            raise ConfigError("%s: needs JSON; %s" % (path, error.problems[0]))
    if text[:1] in ('"', "'"):
        if len(text) < 2 or text[-1] != text[0] or text[0] in text[1:-1]:
            raise ConfigError("%s: one quote too many or too few; leave quotes out" % path)
        return text[1:-1]
    return text
