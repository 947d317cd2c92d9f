# SPDX-License-Identifier: Apache-2.0
"""In which unit a pipeline's values are."""

from firmware.console_text import unit

_FEATURES = {"log2": "dB", "bin": "Hz", "sample": "s", "window": "s", "share": "%"}
_DERIVED = {"score": "x normal", "drift": "x baseline", "door_open_s": "s", "defrost_s": "s",
            "mkt": "\xb0C", "vote": "", "zone": ""}


def units(app) -> dict:
    """{"PIPELINE.VALUE": unit} of everything alarms can watch and whose unit is known."""
    found = {}
    for name in app.pipelines:
        pipeline = app.pipelines[name]
        for value in pipeline.values.names:
            if value in _DERIVED:
                found[name + "." + value] = _DERIVED[value]
        if pipeline.model is not None:
            _add_features(found, name + ".", pipeline.model.bundle)
        for channel in app.samplers[name].driver.channels:
            found[name + "." + channel["name"]] = unit(channel["unit"])
    return found


def _add_features(found: dict, start: str, bundle) -> None:
    from tocsin.dsp.table import UNIT, outputs, row

    conf, at = bundle.conf, 0
    for feature in conf["features"]:
        kind = row(feature)[UNIT]
        own = _FEATURES.get(kind, "")
        if kind == "LSB":
            own = unit(conf["channels"][feature.get("channel", 0)]["unit"])
        for _ in range(outputs(feature)):
            found[start + bundle.feature_names[at]] = own
            at += 1
