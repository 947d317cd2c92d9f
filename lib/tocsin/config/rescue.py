# SPDX-License-Identifier: Apache-2.0
"""What to run on without a valid configuration: safe factory limits, and what is sound of it.

Imported only then.
"""

from tocsin.config.defaults import complete, copy, fill
from tocsin.config.schema import SCHEMA, check, is_id, validate
from tocsin.config.strict import ConfigError

# VALUE name: (high limit, low limit, delay in s). Strict enough to be heard, for want of better.
_SAFE = {
    "temperature": (8.0, 2.0, 1800), "mkt": (8.0, None, 0), "humidity": (90.0, None, 3600),
    "velocity_rms": (4.5, None, 10), "score": (1.5, None, 10), "drift": (1.5, None, 0),
    "door_open_s": (300, None, 0), "defrost_s": (5400, None, 0), "yield": (None, 0.9, 0),
    "recent_yield": (None, 0.9, 0)}
_TEMPLATE_VALUE = {
    "cold_chain": "temperature", "vibration": "score", "quality": "score", "operations": "score"}


def safe_rule(source: str, side: str = "high") -> dict:
    """A complete alarm rule with safe factory limits for a source, by the name of its VALUE.

    A value without a known limit is watched for silence and failure only.
    """
    high, low, delay = _SAFE.get(source.split(".", 1)[1], (None, None, 0))
    limit = high if side == "high" else low
    rule = {"source": source, "side": side, "limit": limit, "delay_s": delay, "latch": True}
    return fill(SCHEMA[1]["alarms"][0][1], rule)


def _safe_rules(source, alarms, stem):
    high, low, _ = _SAFE.get(source.split(".", 1)[1], (None, None, 0))
    if high is not None or low is None:
        alarms[stem[:26] + "_high"] = safe_rule(source, "high")
    if low is not None:
        alarms[stem[:26] + "_low"] = safe_rule(source, "low")


def factory(template: str, sensor: dict, pipeline: str = "main",
            device_id: str = "tocsin") -> dict:
    """A valid, complete configuration of one pipeline with safe limits for a template.

    sensor: the driver's section. Raises ConfigError for an unknown template or a bad sensor.
    """
    if template not in _TEMPLATE_VALUE:
        raise ConfigError("no template of that name; use one of " + ", ".join(sorted(
            _TEMPLATE_VALUE)))
    config = {"version": 1, "device": {"id": device_id}, "pipelines": {
        pipeline: {"sensor": copy(sensor)}}, "alarms": {}}
    _safe_rules("%s.%s" % (pipeline, _TEMPLATE_VALUE[template]), config["alarms"], "safe")
    problems = validate(config)
    if problems:
        raise ConfigError(problems)
    return complete(config)


def rescue(value):
    """What is sound in a broken configuration, safe limits for the rest; None without a pipeline.

    Sound pipelines stay; so does every alarm rule that is sound by itself. A broken rule keeps
    its limit when only that is sound, otherwise it and a pipeline left without any rule get safe
    limits. Outputs keep their known alarms and, left without any, follow them all.
    """
    if not isinstance(value, dict) or not isinstance(value.get("pipelines"), dict):
        return None
    config = {"version": 1, "device": {"id": "tocsin"}, "pipelines": {}, "alarms": {},
              "outputs": {}}
    _keep(config, value, "device")
    for name in _ids(value["pipelines"]):
        _keep(config, value, "pipelines", name)
    if not config["pipelines"]:
        return None
    given = value.get("alarms")
    for name in _ids(given):
        if not _keep(config, value, "alarms", name):
            _replace(config, name, given[name])
    watched = [config["alarms"][name]["source"].split(".", 1)[0] for name in config["alarms"]]
    for name in config["pipelines"]:
        if name not in watched:
            _safe_rules(_main_source(name, config["pipelines"][name]), config["alarms"], name)
    given = value.get("outputs")
    for name in _ids(given):
        _rescue_output(config, name, given[name])
    return complete(config)


def _ids(section):
    return sorted([key for key in section if isinstance(key, str)]) if isinstance(
        section, dict) else ()


def _keep(config, value, section, name=None):
    part = value.get(section)
    before = config[section]
    if name is None:
        config[section] = part
    else:
        config[section] = copy(before)
        config[section][name] = part[name]
    if validate(config):
        config[section] = before
        return False
    return True


def _replace(config, name, rule):
    if not isinstance(rule, dict):
        return
    source = rule.get("source")
    if not isinstance(source, str) or "." not in source:
        return
    trials = [{key: rule.get(key) for key in ("source", "side", "limit")}]
    for side in ("high", "low"):
        if rule.get("side", side) == side:
            trials.append(safe_rule(source, side))
    for trial in trials:
        config["alarms"][name] = trial
        if is_id(name) and not validate(config):
            return
        del config["alarms"][name]


def _main_source(name, pipeline):
    if pipeline.get("model") is not None:
        return name + ".score"
    if pipeline.get("cold_chain") is not None:
        return name + "." + pipeline["cold_chain"]["temperature"]
    channels = pipeline["sensor"].get("channels")
    for channel in channels if isinstance(channels, list) else ():
        label = channel.get("name") if isinstance(channel, dict) else channel
        problems = []
        check(("source",), "%s.%s" % (name, label), "", problems)
        if not problems:
            return "%s.%s" % (name, label)
    return name + ".temperature"


def _rescue_output(config, name, output):
    if not isinstance(output, dict):
        return
    output = copy(output)
    names = output.get("alarms")
    names = names if isinstance(names, list) else []
    known = [alarm for alarm in sorted(config["alarms"]) if alarm in names]
    output["alarms"] = known or sorted(config["alarms"])
    config["outputs"][name] = output
    if validate(config):
        del config["outputs"][name]
