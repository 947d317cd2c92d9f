# SPDX-License-Identifier: Apache-2.0
"""A valid device configuration to start from, for a model that was just trained.

The template gives alarms, schedule and placement; only what this model and these channels can
give is kept. The sensor is the driver `replay`, until one for the chip takes its place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tocsin.config.defaults import complete
from tocsin.config.schema import validate
from tocsin.config.strict import ConfigError, loads
from tools.train.describe import describe, seconds_per_sample
from tools.train.template import Template

_LONGEST_ID = 32
_LONGEST_NAME = 32
_DEGREES = {"degc", "°c", "c", "celsius"}
_PERCENT = {"%rh", "% rh", "rh", "%", "percent"}
_SLOW_HZ = 10.0
_DOOR_S = 150  # an inferred door compares readings of the last 300 s
_MISSING_S = 900
_PERIODS = 3
_LINE_VALUES = ("yield", "recent_yield", "bad_in_a_row", "bad")


class StartingError(ValueError):
    """No configuration can be written; the message says what to change."""


@dataclass(frozen=True)
class Device:
    """What the configuration is for: ids, file names, and a relay's pin or None."""

    id: str
    pipeline: str
    model: str
    replay: str
    relay: int | None = None


@dataclass
class _Plan:
    """A pipeline in the making and its values: kind -> their names, and the channel of each."""

    pipeline: dict[str, Any]
    values: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, kind: str, name: str | None = None, channel: str = "") -> None:
        self.values.setdefault(kind, {}).setdefault(name or kind, channel or name or kind)


def identifier(text: str) -> str:
    """A text as an id: a-z, 0-9, _ and -, a letter first, at most 32 characters."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in text.lower())
    if not kept[:1].isalpha():
        kept = "p" + kept if kept else "pipeline"
    return kept[:_LONGEST_ID]


def configuration(
    template: Template, conf: Mapping[str, Any], classes: Sequence[str], parts: bool,
    device: Device,
) -> dict[str, Any]:  # fmt: skip
    """The configuration of a board with one pipeline. Raises StartingError.

    template: the one chosen, or the owner of its view where none of its own alarms fits; conf:
    the model's resolved features; parts: each reading of the sensor is one part.
    """
    plan = _plan(template, conf, classes, parts, device)
    alarms = _alarms(template, plan, device, _data_missing(plan.pipeline, conf, parts))
    if not alarms:
        owner, _ = template.view(conf["domain"], parts)
        alarms = _alarms(owner, plan, device, _data_missing(plan.pipeline, conf, parts))
    if not alarms:
        raise StartingError(
            f"no alarm of template {template.name} fits this model: choose another template, or "
            "add an alarm on score to a copy of it"
        )
    config: dict[str, Any] = {
        "version": 1,
        "device": {"id": device.id},
        "pipelines": {device.pipeline: plan.pipeline},
        "alarms": alarms,
    }
    if device.relay is not None:
        config["outputs"] = {
            "relay": {"driver": "relay", "pin": device.relay, "alarms": list(alarms)}
        }
    return config


def text(config: Mapping[str, Any]) -> str:
    """The file's content, after the device's own reader has accepted it. Raises StartingError."""
    written = json.dumps(config, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        problems = validate(loads(written))
    except ConfigError as error:
        problems = list(error.problems)
    if problems:
        raise StartingError(f"the configuration would not be valid: {problems[0]}")
    complete(loads(written))
    return written


def _plan(
    template: Template, conf: Mapping[str, Any], classes: Sequence[str], parts: bool,
    device: Device,
) -> _Plan:  # fmt: skip
    plan = _Plan({
        "sensor": {"driver": "replay", "file": device.replay},
        "model": device.model,
        "schedule": _schedule(template, conf, parts),
        "placement": template.text.get("placement") or {},
    })  # fmt: skip
    for channel in conf["channels"]:
        plan.add(channel["name"])
    _add_room(template, conf, parts, plan)
    for output in describe(conf):
        plan.add(output["name"])
        plan.add(output["kind"], output["name"], output["channel"])
    plan.add("score")
    plan.add("vote")
    if parts:
        for name in (*(f"label:{c}" for c in classes), *_LINE_VALUES):
            plan.add(name)
    speeds = [v for v in plan.values.get("velocity_rms", ()) if len(v) <= _LONGEST_NAME]
    if speeds:
        plan.pipeline["vibration"] = {"value": speeds[0]}
        plan.add("drift")
    return plan


def _channels(conf: Mapping[str, Any], words: Sequence[str], units: set[str]) -> list[str]:
    """Channels whose name holds one of the words, else those with one of the units."""
    found = [c["name"] for c in conf["channels"] if any(w in c["name"].lower() for w in words)]
    if found:
        return found
    return [c["name"] for c in conf["channels"] if c["unit"].strip().lower() in units]


def _add_room(template: Template, conf: Mapping[str, Any], parts: bool, plan: _Plan) -> None:
    """The section `cold_chain` and its values, for a template that has one and a thermometer."""
    wanted = template.text.get("cold_chain")
    warm = _channels(conf, ("temp",), _DEGREES)
    if wanted is None or parts or conf["domain"] != "slow" or not warm:
        return
    for name in warm:
        plan.add("temperature", name)
    section: dict[str, Any] = {"temperature": warm[0]}
    humid = _channels(conf, ("humid",), _PERCENT)
    if humid:
        section["humidity"] = humid[0]
    contact = _channels(conf, ("door",), set())
    if contact or (seconds_per_sample(conf) or math.inf) <= _DOOR_S:
        section["door"] = {"input": contact[0]} if contact else {}
        plan.add("door_open_s")
    ice = _channels(conf, ("defrost",), set())
    if ice and wanted.get("defrost"):
        section["defrost"] = {"input": ice[0], **wanted["defrost"]}
        plan.add("defrost_s")
    plan.pipeline["cold_chain"] = section


def _schedule(template: Template, conf: Mapping[str, Any], parts: bool) -> dict[str, Any] | None:
    """The template's bursts, where the sensor is fast and a burst leaves a pause."""
    wanted = template.text.get("schedule")
    second = seconds_per_sample(conf)
    if not wanted or parts or second is None or second > 1 / _SLOW_HZ:
        return None
    try:
        busy = (conf["window"] + (wanted["windows"] - 1) * conf["hop"]) * second
        return dict(wanted) if busy < wanted["every_s"] else None
    except (KeyError, TypeError):
        raise StartingError(
            f"template {template.name}: a schedule needs the numbers every_s and windows"
        ) from None


def _data_missing(
    pipeline: Mapping[str, Any], conf: Mapping[str, Any], parts: bool
) -> dict[str, Any]:
    """When silence is a fault: never between parts, after three periods of a slow pipeline."""
    if parts:
        return {"data_missing_s": None}
    if pipeline["schedule"] is not None:
        period = float(pipeline["schedule"]["every_s"])
    else:
        period = conf["hop"] * (seconds_per_sample(conf) or 0.0)
    patience = math.ceil(_PERIODS * period)
    return {"data_missing_s": patience} if patience > _MISSING_S else {}


def _alarms(
    template: Template, plan: _Plan, device: Device, missing: Mapping[str, Any]
) -> dict[str, Any]:
    """The template's alarms on values of this pipeline, one for each value of a kind."""
    found: dict[str, Any] = {}
    for name, rule in (template.text.get("alarms") or {}).items():
        if not isinstance(rule, Mapping) or not isinstance(rule.get("value"), str):
            raise StartingError(
                f"template {template.name}: alarm {name} has no value; say what it watches"
            )
        sources = plan.values.get(rule["value"], {})
        for source, channel in sources.items():
            key = name if len(sources) == 1 else _unused(f"{name}_{channel}", found)
            given = {k: v for k, v in rule.items() if k != "value"}
            found[key] = {"source": f"{device.pipeline}.{source}", **missing, **given}
    return found


def _unused(wish: str, taken: Mapping[str, Any]) -> str:
    """An id like the wish that no other alarm has."""
    key = identifier(wish)
    number = 2
    while key in taken:
        tail = f"_{number}"
        key = identifier(wish)[: _LONGEST_ID - len(tail)] + tail
        number += 1
    return key
