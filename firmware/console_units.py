# SPDX-License-Identifier: Apache-2.0
"""In which unit a pipeline's values are."""

from firmware.console_text import unit

_FEATURES = {"log2": "dB", "bin": "Hz", "sample": "s", "window": "s", "share": "%"}
_DERIVED = {"score": "x normal", "drift": "x baseline", "door_open_s": "s", "defrost_s": "s",
            "mkt": "\xb0C", "vote": "", "zone": ""}


class Units:
    """"PIPELINE.VALUE" -> unit, of everything alarms can watch and whose unit is known.

    Found when asked for: walking a model's features takes a board its time.
    """

    def __init__(self, app):
        self._app = app
        self._found = {}

    def __contains__(self, source: str) -> bool:
        if source not in self._found:
            self._found[source] = _find(self._app, source)
        return self._found[source] is not None

    def get(self, source: str, other: str = "") -> str:
        """The unit, or `other`."""
        return self._found[source] if source in self else other

    def __getitem__(self, source: str) -> str:
        return self._found[source]


def _find(app, source: str):
    name, value = source.split(".", 1)
    if name not in app.pipelines:
        return None
    for channel in app.samplers[name].driver.channels:
        if channel["name"] == value:
            return unit(channel["unit"])
    model = app.pipelines[name].model
    if model is not None and value in model.bundle.feature_names:
        return _of_feature(model.bundle, model.bundle.feature_names.index(value))
    return _DERIVED.get(value)


def _of_feature(bundle, at: int) -> str:
    from tocsin.dsp.table import UNIT, outputs, row

    conf = bundle.conf
    for feature in conf["features"]:
        at -= outputs(feature)
        if at < 0:
            kind = row(feature)[UNIT]
            if kind == "LSB":
                return unit(conf["channels"][feature.get("channel", 0)]["unit"])
            return _FEATURES.get(kind, "")
    return ""
