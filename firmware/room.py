# SPDX-License-Identifier: Apache-2.0
"""What a pipeline derives from the samples of a cold room."""

from tocsin.monitor.alarm import DEFROST
from tocsin.monitor.coldchain import MISSING, ColdChain


class Room:
    """door_open_s, defrost_s, duty, mkt of a cold room (section `cold_chain`)."""

    def __init__(self, section: dict, values):
        self._values = values
        self._at = [-1] * 5
        door, defrost = section["door"], section["defrost"]
        compressor = section["compressor"]
        names = (section["temperature"], section["humidity"], door and door["input"],
                 defrost and defrost["input"], compressor and compressor["input"])
        for i in range(5):
            if names[i] is not None:
                self._at[i] = values.index(names[i])
        self._on = [1] * 5
        if compressor is not None:
            at = self._at[4]
            on = (compressor["on"] - values.offsets[at]) / values.scales[at]
            self._on[4] = max(1, int(round(on)))
        first, second = self._at[0], max(0, self._at[1])
        self.chain = ColdChain(section, values.scales[first], values.offsets[first],
                               values.scales[second])
        self._base = values.add("door_open_s", 1.0, 0.0, "s")
        values.add("defrost_s", 1.0, 0.0, "s")
        values.add("duty", 1 / 256)
        values.add("mkt", 0.01, 0.0, "\xb0C")

    def update(self, now_ms: int) -> None:
        """After the channels of one sample are in the values."""
        raw = self._values.raw
        at = self._at
        chain = self.chain
        humidity = MISSING if at[1] < 0 else raw[at[1]]
        chain.update(now_ms, raw[at[0]], humidity, self._contact(2), self._contact(3),
                     self._contact(4))
        base = self._base
        raw[base] = chain.door_open_s()
        raw[base + 1] = chain.defrost_s()
        raw[base + 2] = chain.duty_q8()
        raw[base + 3] = chain.mkt_centi()
        self._values.valid[base + 3] = 0 if raw[base + 3] == MISSING else 1

    def suppression(self) -> int:
        """The reasons that hold now, as the bits of `Alarm.suppress`."""
        return DEFROST if self.chain.defrosting else 0

    def _contact(self, which: int) -> int:
        """1, 0, or -1 for an input that is not there or has no reading."""
        at = self._at[which]
        if at < 0 or self._values.raw[at] == MISSING:
            return -1
        return 1 if self._values.raw[at] >= self._on[which] else 0
