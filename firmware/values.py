# SPDX-License-Identifier: Apache-2.0
"""The named integers of a pipeline: what alarms watch, gates follow and summaries tell."""

from array import array
from math import log10

_DB = 10 * log10(2) / 256
_LEVELS = ("mean", "level", "ewma", "min", "max", "value", "block_means", "resample",
           "image_means", "image_mins")


class Values:
    """Names, units and newest integers. physical = raw * scale + offset.

    raw: array('i'); valid: array('b'), 0 while the newest reading is missing; both by index.
    Built with `add` and closed with `make`, after which nothing allocates but `index`.
    """

    def __init__(self):
        self.names = []
        self.scales = []
        self.offsets = []
        self.raw = None
        self.valid = None

    def add(self, name: str, scale: float = 1.0, offset: float = 0.0) -> int:
        """Announce a value; the first of two with one name keeps it. Returns its index."""
        self.names.append(name)
        self.scales.append(scale)
        self.offsets.append(offset)
        return len(self.names) - 1

    def make(self) -> None:
        """All are announced: make the arrays."""
        self.raw = array("i", [0] * len(self.names))
        self.valid = array("b", [1] * len(self.names))

    def index(self, name: str) -> int:
        """Where a name is. Raises ValueError that lists what there is."""
        if name not in self.names:
            raise ValueError("no value %r; there are: %s" % (name, ", ".join(self.names)))
        return self.names.index(name)

    def physical(self, index: int) -> float:
        """A value in its unit, for people."""
        return round(self.raw[index] * self.scales[index] + self.offsets[index], 3)


def feature_scales(conf: dict) -> list:
    """(scale, offset) per feature of a resolved configuration, in the order of the vector.

    Energies come out in dB re 1 unit of the channel (envelopes: squared), frequencies in Hz,
    times in s, shares in %, the rest in the channel's unit: what `tocsin inspect` shows.
    """
    from tocsin.dsp.table import UNIT, Q, outputs, row

    scales = []
    for feature in conf["features"]:
        kind = row(feature)
        channel = conf["channels"][feature.get("channel", 0)]
        scale, offset = 2.0 ** -feature.get("q", kind[Q]), 0.0
        if kind[UNIT] == "log2":
            scale = _DB
            offset = -_energy_zero(feature["kind"], conf) * _DB
            if feature["kind"] != "velocity_log2":
                power = 40 if feature["kind"][:8] == "envelope" else 20
                offset += power * log10(abs(channel["scale"]))
        elif kind[UNIT] == "LSB":
            scale *= channel["scale"]
            if feature["kind"] in _LEVELS:
                offset = channel["offset"]
        elif kind[UNIT] in ("bin", "sample", "share", "window"):
            from firmware.units import factor

            scale *= factor(kind[UNIT], feature, conf)
        scales += [(scale, offset)] * outputs(feature)
    return scales


def _energy_zero(kind: str, conf: dict) -> int:
    """The raw value of a log2 energy that means an energy of 1."""
    if conf.get("domain") == "spectrum" or kind == "std_log2":
        return 0
    return 4096 if kind == "velocity_log2" else 2048
