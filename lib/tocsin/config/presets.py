# SPDX-License-Identifier: Apache-2.0
"""Limits by name, as data. Nothing imports this module until someone asks for a preset.

Sources: vaccine fridge 2..8 degC, freezer <= -18, ultra-low <= -60, controlled room 15..25 are the
customary storage ranges; shipping indicators are the thresholds of WHO PQS E006/TR07; velocity
zones are those of ISO 10816 (superseded by ISO 20816). Delays, dead bands and cumulative times of
the storage presets are this project's choice. A preset supports such work; it certifies nothing.
"""

_DAY = 86400
_STORE = {"dead_band": 0.3, "delay_s": 1800, "cumulative_s": 3600, "cumulative_window_s": _DAY,
          "suppress": ["defrost", "maintenance"]}


def _rule(side, limit, *parts, **more):
    rule = {"side": side, "limit": limit}
    for part in parts:
        rule.update(part)
    rule.update(more)
    return rule


_INDICATOR = {"dead_band": 0, "latch": True}
_HOURS_10 = {"delay_s": None, "cumulative_s": 36000}
_HOURS_20 = {"delay_s": None, "cumulative_s": 72000}
_HOUR = {"delay_s": 3600}

PRESETS = {
    "vaccine_fridge": {
        "high": _rule("high", 8.0, _STORE), "low": _rule("low", 2.0, _STORE),
        "freezing": _rule("low", -0.5, _INDICATOR, _HOUR)},
    "freezer": {"high": _rule("high", -18.0, _STORE)},
    "ultra_low": {"high": _rule("high", -60.0, _STORE)},
    "controlled_room": {"high": _rule("high", 25.0, _STORE), "low": _rule("low", 15.0, _STORE)},
    "shipping_type_1": {
        "hot": _rule("high", 45.0, _INDICATOR, _HOUR),
        "warm": _rule("high", 30.0, _INDICATOR, _HOURS_10),
        "freezing": _rule("low", -0.5, _INDICATOR, _HOUR)},
    "shipping_type_2": {
        "hot": _rule("high", 45.0, _INDICATOR, _HOUR),
        "warm": _rule("high", 30.0, _INDICATOR, _HOURS_10),
        "cool": _rule("high", 10.0, _INDICATOR, _HOURS_20),
        "freezing": _rule("low", -0.5, _INDICATOR, _HOUR)},
}

# ISO 10816: upper limits of zones A, B, C in mm/s RMS
VELOCITY_ZONES = {
    "class_1": (0.71, 1.8, 4.5), "class_2": (1.12, 2.8, 7.1), "class_3": (1.8, 4.5, 11.2),
    "class_4": (2.8, 7.1, 18.0)}


def alarms(preset: str, source: str, prefix: str = "temp") -> dict:
    """The rules of a preset for one source, {"PREFIX_NAME": rule}, to put into config["alarms"].

    Raises KeyError for an unknown preset.
    """
    result = {}
    for name in PRESETS[preset]:
        rule = {"source": source}
        for key in PRESETS[preset][name]:
            value = PRESETS[preset][name][key]
            rule[key] = list(value) if isinstance(value, list) else value
        result["%s_%s" % (prefix, name)] = rule
    return result
