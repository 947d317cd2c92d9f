# SPDX-License-Identifier: Apache-2.0
"""Complete a configuration, and choose one to run on: never one without alarms."""

from tocsin.config.schema import SCHEMA, inner, validate


def complete(config: dict) -> dict:
    """A new configuration with every optional key filled in; `config` is valid."""
    return fill(SCHEMA, config)


def fill(spec, value):
    """A copy of a value that fits `spec`, with the defaults in place of what is left out."""
    if value is None and spec[0] == "null":
        return None
    spec = inner(spec)
    kind = spec[0]
    if kind == "object":
        fields = spec[1]
        result = {}
        for key in fields:
            default = fields[key][1] if len(fields[key]) > 1 else None
            result[key] = fill(fields[key][0], value.get(key, default))
        return result
    if kind == "map":
        return {key: fill(spec[1], value[key]) for key in value}
    if kind == "list":
        return [fill(spec[1], entry) for entry in value]
    return copy(value)


def copy(value):
    """A deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: copy(value[key]) for key in value}
    if isinstance(value, (list, tuple)):
        return [copy(entry) for entry in value]
    return value


def choose(candidates, fallback):
    """The configuration to run on: (complete config, index of its text or -1, problems).

    candidates: texts, newest first. The first valid one wins. Without one, what is sound in the
    newest is kept and the rest gets safe limits (`rescue`); without a pipeline in any,
    `fallback()` gives a complete one (see `rescue.factory`). Never raises.
    """
    from tocsin.config.strict import ConfigError, loads

    problems = []
    values = []
    for i in range(len(candidates)):
        try:
            value = loads(candidates[i])
            wrong = validate(value)
        except ConfigError as error:
            problems.append("config %d: %s" % (i, error.problems[0]))
            continue
        if not wrong:
            return complete(value), i, problems
        values.append(value)
        problems.extend(["config %d: %s" % (i, line) for line in wrong])
    from tocsin.config.rescue import rescue
    for value in values:
        config = rescue(value)
        if config is not None:
            problems.append("no valid config; running on safe factory limits")
            return config, -1, problems
    problems.append("no valid config; running on the factory one")
    return fallback(), -1, problems
