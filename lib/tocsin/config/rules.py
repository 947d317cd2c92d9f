# SPDX-License-Identifier: Apache-2.0
"""What the parts of a well-formed configuration must be to one another."""

from tocsin.config.schema import check, note

_BYTES = ("int", 1024, 16777216, "bytes")
_FILES = ("int", 1, 16, "files")


def cross_check(config: dict, problems: list):
    """Append one line per contradiction; `config` has passed the schema."""
    for name in sorted(config["pipelines"]):
        _check_pipeline(config["pipelines"][name], "pipelines." + name, problems)
    alarms = config["alarms"]
    for name in sorted(alarms):
        _check_alarm(alarms[name], "alarms." + name, config["pipelines"], problems)
    _check_sides(alarms, sorted(alarms), problems)
    _check_outputs(config, problems)
    _check_sinks(config, problems)


def check_around(config: dict, parts: list, problems: list):
    """The same for a change of the value at the path of `parts` in what was valid before."""
    section = parts[0]
    name = parts[1] if len(parts) > 1 else None
    if section == "pipelines" and name:
        _check_pipeline(config["pipelines"][name], "pipelines." + name, problems)
    elif section == "alarms" and name:
        alarms = config["alarms"]
        _check_alarm(alarms[name], "alarms." + name, config["pipelines"], problems)
        _check_sides(alarms, (name,), problems)
    elif section == "outputs":
        _check_outputs(config, problems)
    elif section == "sinks":
        _check_sinks(config, problems)
    elif section != "device":
        cross_check(config, problems)


def _check_outputs(config, problems):
    pins = {}
    outputs = config.get("outputs", {})
    for name in sorted(outputs):
        _check_output(outputs[name], "outputs." + name, config["alarms"], pins, problems)


def _check_sinks(config, problems):
    sinks = config.get("sinks", ())
    for i in range(len(sinks)):
        if sinks[i]["driver"] == "file":
            check(_BYTES, sinks[i].get("max_bytes", 65536), "sinks[%d].max_bytes" % i, problems)
            check(_FILES, sinks[i].get("files", 2), "sinks[%d].files" % i, problems)


def _check_pipeline(pipeline, path, problems):
    names = []
    channels = pipeline["sensor"].get("channels")
    for channel in channels if isinstance(channels, (list, tuple)) else ():
        name = channel.get("name") if isinstance(channel, dict) else channel
        if name in names:
            note(problems, path + ".sensor.channels", "same")
        names.append(name)
    gate = pipeline.get("run_gate")
    if gate is not None and gate["off"] > gate["on"]:
        note(problems, path + ".run_gate.off", "off")
    if pipeline.get("vibration") is not None or pipeline.get("cold_chain") is not None:
        from tocsin.config.sections import check_parts
        check_parts(pipeline, path, problems)


def _check_alarm(rule, path, pipelines, problems):
    pipeline = rule["source"].split(".", 1)[0]
    if pipeline not in pipelines:
        note(problems, path + ".source", "no_pipeline", pipeline,
             ", ".join(sorted(pipelines))[:99])
    if rule["limit"] is None:
        _check_watch(rule, path, problems)
        return
    warning = rule.get("warning")
    if warning is not None:
        beyond = warning > rule["limit"] if rule["side"] == "high" else warning < rule["limit"]
        if beyond:
            note(problems, path + ".warning", "beyond")
    elif rule.get("warning_delay_s") is not None:
        note(problems, path + ".warning_delay_s", "needs", "warning")
    cumulative = rule.get("cumulative_s")
    window = rule.get("cumulative_window_s")
    if rule.get("delay_s", 0) is None and cumulative is None:
        note(problems, path + ".delay_s", "needs", "cumulative_s")
    if window is not None and cumulative is None:
        note(problems, path + ".cumulative_window_s", "needs", "cumulative_s")
    elif window is not None and cumulative > window:
        note(problems, path + ".cumulative_s", "window")
    reasons = rule.get("suppress", ())
    if len(reasons) == 2 and reasons[0] == reasons[1]:
        note(problems, path + ".suppress", "same")


def _check_watch(rule, path, problems):
    for key in ("warning", "cumulative_s", "cumulative_window_s", "warning_delay_s"):
        if rule.get(key) is not None:
            note(problems, path + "." + key, "needs", "limit")
    if rule.get("sensor_fault_s", 60) is None and rule.get("data_missing_s", 900) is None:
        note(problems, path + ".limit", "watch")


def _check_sides(alarms, changed, problems):
    """Pairs of a low and a high alarm on one source, of which one is among `changed`."""
    for low_name in sorted(alarms):
        low = alarms[low_name]
        if low["side"] != "low" or low["limit"] is None:
            continue
        for high_name in sorted(alarms):
            high = alarms[high_name]
            if high["source"] != low["source"] or high["side"] != "high":
                continue
            if high["limit"] is None or not (low_name in changed or high_name in changed):
                continue
            room = _innermost(high) - _innermost(low)
            if room <= 0:
                note(problems, "alarms." + low_name, "sides", high_name)
            elif max(low.get("dead_band", 0), high.get("dead_band", 0)) >= room:
                note(problems, "alarms.%s.dead_band" % low_name, "room", high_name)


def _innermost(rule):
    warning = rule.get("warning")
    return rule["limit"] if warning is None else warning


def _check_output(output, path, alarms, pins, problems):
    seen = []
    for name in output["alarms"]:
        if name not in alarms:
            note(problems, path + ".alarms", "no_alarm", name)
        if name in seen:
            note(problems, path + ".alarms", "same")
        seen.append(name)
    pin = output.get("pin")
    if pin is not None:
        if pin in pins:
            note(problems, path + ".pin", "pin", pin, pins[pin])
        pins[pin] = path
