# SPDX-License-Identifier: Apache-2.0
"""Alarm state machine: one rule on one side of one value, in integers.

Time. A value holds until the next reading. The time between two readings counts only when the
earlier one was valid and judged and the next came within `max_gap_s`. All other time (silence,
failed readings, gate closed, suppression) counts neither as good nor as bad: it ends no excursion
and advances no timer. Only a reading on the good side of the dead band ends an excursion.

States. NORMAL, WARNING, ALARM follow the value; sensor fault and missing data are conditions of
their own beside the state, with their own timers, and leave the state as it was. A latched alarm
stays ALARM after the value is back until `acknowledge`.

Suppression. While a listed reason holds (defrost, maintenance) nothing is raised and no time
counts; a return to normal is still seen. After `suppress_max_s` it ends by itself, and a reason
that expired is ignored until it has been released once.

`update`, `tick`, `hold`, `suppress`, `release`, `acknowledge` allocate nothing and return a mask
of event bits, 0 when nothing changed.
"""

from tocsin.monitor.excursion import Excursion, Extremes
from tocsin.monitor.ticks import add_sat, diff

NORMAL = 0
WARNING = 1
ALARM = 2
STATE_NAMES = ("normal", "warning", "alarm")

WARNING_ON = 1
ALARM_ON = 2
RETURNED = 4
LATCHED = 8
FAULT_ON = 16
FAULT_OFF = 32
MISSING_ON = 64
MISSING_OFF = 128
SUPPRESS_ON = 256
SUPPRESS_OFF = 512
SUPPRESS_EXPIRED = 1024
ACKNOWLEDGED = 2048
EVENT_NAMES = (
    "warning", "alarm", "returned", "latched", "sensor_fault", "sensor_ok", "data_missing",
    "data_back", "suppressed", "suppression_ended", "suppression_expired", "acknowledged")

DEFROST = 1
MAINTENANCE = 2
REASONS = {"defrost": DEFROST, "maintenance": MAINTENANCE}


def event_names(mask: int) -> list:
    """The names of the event bits in `mask`, in bit order."""
    return [EVENT_NAMES[i] for i in range(len(EVENT_NAMES)) if mask >> i & 1]


class AlarmError(ValueError):
    """A rule that cannot become an alarm."""


class Alarm:
    """One rule of the device configuration (all keys present, see config/README.md).

    physical = value * scale + offset turns its limits into ints. Values are ints within
    -2**28 .. 2**28. Raises AlarmError.

    Attributes: name, state, latched, acknowledged, suppressed, sensor_fault, data_missing, value
    (last valid one), extremes.
    """

    def __init__(self, name: str, rule: dict, scale: float = 1.0, offset: float = 0.0):
        self.name = name
        self._scale = scale
        self._offset = offset
        from tocsin.monitor.limits import arm

        arm(self, rule)
        self.extremes = Extremes()
        self.state = NORMAL
        self._old = NORMAL
        self.latched = False
        self.acknowledged = False
        self.suppressed = False
        self.sensor_fault = False
        self.data_missing = False
        self.value = 0
        self._reasons = 0
        self._expired = 0
        self._suppressed_ms = 0
        self._fault_ms = -1
        self._now_ms = 0
        self._started = False
        self._silent_ms = 0
        self._counting = False

    def update(self, value: int, now_ms: int, valid: bool = True) -> int:
        """Judge one reading taken at tick `now_ms`. valid False: the sensor failed to give one."""
        event = self._pass_time(now_ms) | self._heard()
        if not valid:
            return event | self._failed()
        self._fault_ms = -1
        if self.sensor_fault:
            self.sensor_fault = False
            event |= FAULT_OFF
        self.value = value
        self.extremes.update(value)
        limit, warning, suppressed = self._limit, self._warning, self.suppressed
        if not suppressed or limit.is_back(value):
            limit.update(value, now_ms)
        if warning is not None and (not suppressed or warning.is_back(value)):
            warning.update(value, now_ms)
        self._counting = not suppressed
        return event | self._judge()

    def tick(self, now_ms: int) -> int:
        """Let time pass without a reading; about once a second, at least once in six days."""
        return self._pass_time(now_ms)

    def hold(self, now_ms: int) -> int:
        """A good reading that must not be judged: the machine it belongs to is not running."""
        return self._pass_time(now_ms) | self._heard() | self._sensor_ok()

    def suppress(self, reason: int, now_ms: int) -> int:
        """Stop judging for one reason (DEFROST, MAINTENANCE) unless the rule forbids it."""
        event = self._pass_time(now_ms)
        if not reason & self._suppressible or reason & self._reasons:
            return event
        self._reasons |= reason
        if self.suppressed:
            return event
        self._suppressed_ms = 0
        self.suppressed = True
        self._counting = False
        return event | SUPPRESS_ON

    def release(self, reason: int, now_ms: int) -> int:
        """The reason is over; the next reading is judged again when no other one holds."""
        event = self._pass_time(now_ms)
        self._reasons &= ~reason
        self._expired &= ~reason
        if self.suppressed and not self._reasons & ~self._expired:
            self.suppressed = False
            event |= SUPPRESS_OFF
        return event

    def acknowledge(self, now_ms: int) -> int:
        """A person has seen it: a latched alarm whose value is back returns to normal."""
        event = self._pass_time(now_ms)
        if self.state == NORMAL or self.acknowledged:
            return event
        self.acknowledged = True
        return event | ACKNOWLEDGED | self._judge()

    def reset(self, now_ms: int) -> int:
        """Forget cumulative time and extremes, not the excursion under way; judge again."""
        event = self._pass_time(now_ms)
        self._limit.time.reset()
        self.extremes.reset()
        return event | self._judge()

    def _pass_time(self, now_ms):
        passed = 0
        if self._started:
            passed = diff(now_ms, self._now_ms)
            if passed < 0:
                passed = 0
        self._started = True
        self._now_ms = now_ms
        silent = add_sat(self._silent_ms, passed)
        self._silent_ms = silent
        event = 0
        if 0 < self._missing_after_ms <= silent and not self.data_missing:
            self.data_missing = True
            event = MISSING_ON
        if self.suppressed:
            self._suppressed_ms = add_sat(self._suppressed_ms, passed)
            if self._suppressed_ms >= self._suppress_max_ms:
                self.suppressed = False
                self._expired = self._reasons
                event |= SUPPRESS_EXPIRED
        return event

    def _heard(self):
        silent = self._silent_ms
        counts = self._counting and silent <= self._max_gap_ms
        limit, warning = self._limit, self._warning
        if limit.outside or limit.rolls:
            limit.elapse(silent, counts)
        if warning is not None and warning.outside:
            warning.elapse(silent, counts)
        if self._fault_ms >= 0:
            self._fault_ms = add_sat(self._fault_ms, silent)
        self._counting = False
        self._silent_ms = 0
        if self.data_missing:
            self.data_missing = False
            return MISSING_OFF
        return 0

    def _failed(self):
        if self._fault_ms < 0:
            self._fault_ms = 0
        if self.sensor_fault or not 0 <= self._fault_after_ms <= self._fault_ms:
            return 0
        self.sensor_fault = True
        return FAULT_ON

    def _sensor_ok(self):
        self._fault_ms = -1
        if self.sensor_fault:
            self.sensor_fault = False
            return FAULT_OFF
        return 0

    def _judge(self):
        state = NORMAL
        limit, warning = self._limit, self._warning
        if (limit.open or limit.sums) and limit.due():
            state = ALARM
        elif warning is not None and warning.open and warning.due():
            state = WARNING
        if state < ALARM and self.state == ALARM and self._latch and not self.acknowledged:
            if self.latched:
                return 0
            self._old = ALARM
            self.latched = True
            return LATCHED
        self.latched = False
        if state == self.state:
            return 0
        self._old = self.state
        self.state = state
        if state > self._old:
            self.acknowledged = False
        if state == NORMAL:
            self.acknowledged = False
            return RETURNED
        return ALARM_ON if state == ALARM else WARNING_ON

    def excursion(self) -> Excursion:
        """The excursion under way or the last one: peak, since_ms, lasted_ms."""
        if self._limit.open or self._warning is None or self._old == ALARM:
            return self._limit
        return self._warning

    def physical(self, value: int) -> float:
        """An integer value in the unit of the rule, for people and records."""
        return round(value * self._scale + self._offset, 4)

    def record(self, mask: int, reasons=None) -> dict:
        """The change behind `mask`, ready for a log. Allocates: call it only when mask is not 0.

        Values are physical; `lasted_s` is the counted time in the excursion, `total_s` in all.
        """
        worst = self.excursion()
        old = self._old if mask & (WARNING_ON | ALARM_ON | RETURNED | LATCHED) else self.state
        return {
            "rule": self.name, "events": event_names(mask), "old": STATE_NAMES[old],
            "new": STATE_NAMES[self.state], "latched": self.latched,
            "acknowledged": self.acknowledged, "value": self.physical(self.value),
            "time_ms": self._now_ms, "since_ms": worst.since_ms,
            "lasted_s": worst.lasted_ms // 1000, "total_s": self._limit.time.total_s,
            "peak": self.physical(worst.peak), "reasons": reasons}
