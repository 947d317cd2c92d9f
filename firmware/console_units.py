# SPDX-License-Identifier: Apache-2.0
"""In which unit a pipeline's values are."""

from firmware.console_text import unit


class Units:
    """"PIPELINE.VALUE" -> unit, of everything alarms can watch."""

    def __init__(self, app):
        self._pipelines = app.pipelines

    def __contains__(self, source: str) -> bool:
        return self.get(source, None) is not None

    def get(self, source: str, other=""):
        """The unit, or `other`."""
        name, value = source.split(".", 1)
        if name not in self._pipelines:
            return other
        values = self._pipelines[name].values
        return unit(values.unit(values.index(value))) if value in values.names else other

    def __getitem__(self, source: str) -> str:
        return self.get(source)
