# SPDX-License-Identifier: Apache-2.0
"""The named integers of a pipeline: what alarms watch, gates follow and summaries tell."""

from array import array

_FLOAT = "d" if 1.0 + 1e-9 > 1.0 else "f"  # as precise as the floats of this runtime


class Values:
    """Names, units and newest integers. physical = raw * scale + offset.

    raw: array('i'); valid: array('b'), 0 while the newest reading is missing; both by index.
    Built with `add` and closed with `make`, after which nothing allocates but `index`.
    """

    def __init__(self):
        self.names = []
        self.scales = []
        self.offsets = []
        self._units = []
        self._unit_of = []
        self.raw = None
        self.valid = None

    def add(self, name: str, scale: float = 1.0, offset: float = 0.0, unit: str = "") -> int:
        """Announce a value; the first of two with one name keeps it. Returns its index."""
        self.names.append(name)
        self.scales.append(scale)
        self.offsets.append(offset)
        if unit not in self._units:
            self._units.append(unit)
        self._unit_of.append(self._units.index(unit))
        return len(self.names) - 1

    def make(self) -> None:
        """All are announced: make the arrays."""
        self.scales = array(_FLOAT, self.scales)
        self.offsets = array(_FLOAT, self.offsets)
        self._unit_of = array("H", self._unit_of)
        self.raw = array("i", [0] * len(self.names))
        self.valid = array("b", [1] * len(self.names))

    def index(self, name: str) -> int:
        """Where a name is. Raises ValueError that lists what there is."""
        if name not in self.names:
            raise ValueError("no value %r; there are: %s" % (name, ", ".join(self.names)))
        return self.names.index(name)

    def unit(self, index: int) -> str:
        """The unit of a value."""
        return self._units[self._unit_of[index]]

    def physical(self, index: int) -> float:
        """A value in its unit, for people."""
        return round(self.raw[index] * self.scales[index] + self.offsets[index], 3)
