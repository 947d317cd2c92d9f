# SPDX-License-Identifier: Apache-2.0
"""A refrigerated room seen as a whole: door, defrost, compressor, mean kinetic temperature.

Composes the parts that its section of the configuration asks for, imports only those, and offers
their figures as values that ordinary alarms watch: door_open_s, defrost_s, duty, mkt.
"""

MISSING = -32768


class ColdChain:
    """section: `cold_chain` of a pipeline, all keys present (config/README.md). scale, offset: of
    the temperature channel in degC; humidity_scale: of the humidity channel in %.

    Attributes: door, defrost, compressor, mkt (None when not asked for), door_open, defrosting.
    """

    def __init__(self, section: dict, scale: float, offset: float, humidity_scale: float = 1.0):
        self._mult, self._shift = _centi_factor(scale)
        self._add = int(round(offset * 100))
        self.door_open = False
        self.defrosting = False
        self.openings = None
        self.door = None
        self.defrost = None
        self.compressor = None
        self._gate = None
        self.mkt = None
        if section["door"] is not None:
            self._build_door(section["door"], scale, humidity_scale)
        if section["defrost"] is not None:
            self._build_defrost(section["defrost"], scale, offset)
        if section["compressor"] is not None:
            from tocsin.monitor.onoff import OnOff
            self.compressor = OnOff(section["compressor"]["window_s"])
        if section["mkt_h"] is not None:
            from tocsin.monitor.mkt import MeanKineticTemperature
            hours = section["mkt_h"]
            self.mkt = MeanKineticTemperature(hours, 24 if hours <= 24 else 30)

    def _build_door(self, door, scale, humidity_scale):
        from tocsin.monitor.limits import milliseconds, span
        from tocsin.monitor.onoff import OnOff
        self.openings = OnOff()
        if door["input"] is None:
            from tocsin.monitor.door import InferredDoor
            jump = door["humidity_jump"]
            self.door = InferredDoor(
                max(1, span(door["rise"], scale)), milliseconds(door["rise_s"]),
                0 if jump is None else span(jump, humidity_scale))

    def _build_defrost(self, defrost, scale, offset):
        from tocsin.monitor.defrost import Defrost
        from tocsin.monitor.limits import milliseconds, threshold
        self.defrost = Defrost(
            threshold(defrost["start"], scale, offset, "high"),
            threshold(defrost["end"], scale, offset, "low"), milliseconds(defrost["max_s"]),
            milliseconds(defrost["min_interval_s"]), milliseconds(defrost["recovery_s"]))

    def update(self, now_ms: int, temperature: int, humidity: int = MISSING, door: int = -1,
               defrost: int = -1, compressor: int = -1):
        """Take in one reading: LSB, MISSING when there is none; inputs 1, 0 or -1 (none).

        Allocates nothing. A missing temperature leaves everything that depends on it as it was.
        """
        known = temperature != MISSING
        if self.openings is not None:
            if door >= 0:
                self.door_open = door == 1
            elif self.door is not None and known:
                self.door_open = self.door.update(temperature, humidity, now_ms)
            self.openings.update(self.door_open, now_ms)
        if self.defrost is not None and known:
            state = self.defrost.update(temperature, now_ms, self.door_open, defrost)
            self.defrosting = state == 1
        if self.compressor is not None and compressor >= 0:
            self.compressor.update(compressor == 1, now_ms)
        if self.mkt is not None and known:
            self.mkt.update(((temperature * self._mult) >> self._shift) + self._add, now_ms)

    def door_open_s(self) -> int:
        """Seconds since the door opened; 0 when shut."""
        return 0 if self.openings is None else self.openings.on_s()

    def defrost_s(self) -> int:
        """Seconds since the defrost began, overdue or not; 0 when there is none."""
        return 0 if self.defrost is None else self.defrost.seconds()

    def duty_q8(self) -> int:
        """Share of the window that the compressor ran, Q8."""
        return 0 if self.compressor is None else self.compressor.duty_q8()

    def mkt_centi(self) -> int:
        """Mean kinetic temperature in 0.01 degC; MISSING when not asked for or without values."""
        return MISSING if self.mkt is None else self.mkt.centi()


def _centi_factor(scale):
    shift = 14
    factor = scale * 100
    while shift > 0 and factor * (1 << shift) > 32767:
        shift -= 1
    return min(32767, int(round(factor * (1 << shift)))), shift
