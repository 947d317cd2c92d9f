# SPDX-License-Identifier: Apache-2.0
"""What a pipeline derives from the windows of a rotating machine."""

from tocsin.monitor.vibration import Drift, zone


class Machine:
    """zone and drift of a rotating machine (section `vibration`).

    model: CRC of the bundle whose values it follows; a baseline is worth nothing for another one.
    """

    def __init__(self, section: dict, values, model: bytes = b""):
        self._values = values
        self._of = [section["value"], list(model)]
        self._at = values.index(section["value"])
        scale, offset = values.scales[self._at], values.offsets[self._at]
        self._zones = None
        if section["zones"] is not None:
            self._zones = [int(round((upper - offset) / scale)) for upper in section["zones"]]
        self.drift = Drift(section["baseline_windows"], section["drift_shift"])
        if section.get("baseline") is not None:
            self.drift.restore(int(round((section["baseline"] - offset) / scale)), 256)
        self._base = values.add("drift", 1 / 256, 0.0, "x baseline")
        values.add("zone")

    def update(self) -> None:
        """After the features of one window (machine running) are in the values."""
        raw = self._values.raw
        value = raw[self._at]
        raw[self._base] = self.drift.update(value)
        if self._zones is not None:
            raw[self._base + 1] = zone(value, self._zones)

    def keep(self):
        """What a reset must not take away, for `restore`; None before the baseline is learnt."""
        drift = self.drift
        return self._of + [drift.baseline, drift.q8] if drift.learnt else None

    def restore(self, kept: list) -> None:
        """Go on from a kept baseline unless it is of another value or model, or one is set.

        Raises ValueError when it is damaged.
        """
        drift = self.drift
        if kept[:2] == self._of and (not drift.learnt or drift.baseline == kept[2]):
            drift.restore(kept[2], kept[3])
