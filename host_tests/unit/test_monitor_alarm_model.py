# SPDX-License-Identifier: Apache-2.0
"""The alarm machine against a model that recomputes everything from the whole history."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config.defaults import fill
from tocsin.config.schema import SCHEMA
from tocsin.monitor import alarm as a
from tocsin.monitor.alarm import Alarm
from tocsin.monitor.rolling import RollingTime

PERIOD = 1 << 30
ALARM_SPEC = SCHEMA[1]["alarms"][0][1]
GAP_MS = 900000


class Model:
    """Remembers every event with its absolute time and derives states by looking back."""

    def __init__(self, rule):
        self.rule = rule
        self.sign = 1 if rule["side"] == "high" else -1
        self.shown = {rule["limit"]: [], rule["warning"]: []}  # per level: (time, value)
        self.counted = []  # (start, end, value) that counts
        self.reset_at = -1
        self.state = a.NORMAL
        self.latched = self.acknowledged = False
        self.reasons = set()
        self.expired = set()
        self.suppressed_at = None
        self.last = None  # (time, value or None) of the last reading; value None: does not count
        self.first_failed = None
        self.fault = self.missing = False
        self.started_at = None

    def signed_outside(self, value, level):
        return self.sign * value >= self.sign * level

    def excursion(self, level):
        """Counted ms in the excursion under way at this level, or None without one."""
        back = self.sign * level - self.rule["dead_band"]
        begin = None
        for time, value in self.shown[level]:
            if begin is None and self.signed_outside(value, level):
                begin = time
            elif begin is not None and self.sign * value < back:
                begin = None
        if begin is None:
            return None
        return sum(end - start for start, end, value in self.counted
                   if start >= begin and self.signed_outside(value, level))

    def total_s(self):
        return sum(end - start for start, end, value in self.counted
                   if end > self.reset_at and self.signed_outside(value, self.rule["limit"])
                   ) // 1000

    def target(self):
        rule = self.rule
        lasted = self.excursion(rule["limit"])
        if lasted is not None and rule["delay_s"] is not None and lasted >= rule["delay_s"] * 1000:
            return a.ALARM
        if rule["cumulative_s"] and self.total_s() >= rule["cumulative_s"]:
            return a.ALARM
        if rule["warning"] is not None:
            lasted = self.excursion(rule["warning"])
            if lasted is not None and lasted >= (rule["delay_s"] or 0) * 1000:
                return a.WARNING
        return a.NORMAL

    def pass_time(self, now):
        if self.started_at is None:
            self.started_at = now
        since = self.started_at if self.last is None else self.last[0]
        if now - since >= self.rule["data_missing_s"] * 1000:
            self.missing = True
        if self.suppressed_at is not None and \
                now - self.suppressed_at >= self.rule["suppress_max_s"] * 1000:
            self.suppressed_at = None
            self.expired = set(self.reasons)

    def heard(self, now):
        if self.last is not None and self.last[1] is not None and now - self.last[0] <= GAP_MS:
            self.counted.append((self.last[0], now, self.last[1]))
        self.missing = False

    def read(self, value, now):
        self.pass_time(now)
        self.heard(now)
        if value is None:
            if self.first_failed is None:
                self.first_failed = now
            if now - self.first_failed >= self.rule["sensor_fault_s"] * 1000:
                self.fault = True
            self.last = (now, None)
            return
        self.first_failed = None
        self.fault = False
        suppressed = self.suppressed_at is not None
        for level in self.shown:
            if level is None:
                continue
            back = self.sign * value < self.sign * level - self.rule["dead_band"]
            if back or not suppressed:
                self.shown[level].append((now, value))
        self.last = (now, None if suppressed else value)
        self.judge()

    def judge(self):
        target = self.target()
        if target > self.state and self.suppressed_at is not None:
            return
        if target < a.ALARM == self.state and self.rule["latch"] and not self.acknowledged:
            self.latched = True
            return
        self.latched = False
        if target > self.state or target == a.NORMAL != self.state:
            self.acknowledged = False
        self.state = target

    def hold(self, now):
        self.pass_time(now)
        self.heard(now)
        self.first_failed = None
        self.fault = False
        self.last = (now, None)

    def suppress(self, reason, now):
        self.pass_time(now)
        if reason in self.reasons:
            return
        self.reasons.add(reason)
        if self.suppressed_at is None:
            self.suppressed_at = now
            if self.last is not None:
                self.last = (self.last[0], None)

    def release(self, reason, now):
        self.pass_time(now)
        self.reasons.discard(reason)
        self.expired.discard(reason)
        if not self.reasons - self.expired:
            self.suppressed_at = None

    def acknowledge(self, now):
        self.pass_time(now)
        if self.state != a.NORMAL and not self.acknowledged:
            self.acknowledged = True
            self.judge()


values = st.integers(-12, 12).map(lambda step: 800 + 10 * step)
waits = st.sampled_from([0, 1, 999, 60000, 60000, 60000, 300000, 900000, 900001, 4000000, 10 ** 8])
moves = st.one_of(
    st.tuples(st.just("read"), values), st.tuples(st.just("read"), values),
    st.tuples(st.just("read"), values), st.tuples(st.just("fail"), st.none()),
    st.tuples(st.sampled_from(["hold", "tick", "acknowledge"]), st.none()),
    st.tuples(st.sampled_from(["suppress", "release"]), st.sampled_from([1, 2])))
rules = st.fixed_dictionaries({
    "source": st.just("p.v"), "side": st.sampled_from(["high", "low"]), "limit": st.just(800),
    "dead_band": st.sampled_from([0, 15, 40]), "delay_s": st.sampled_from([None, 0, 60, 600]),
    "cumulative_s": st.sampled_from([None, 300, 1800]), "latch": st.booleans(),
    "warning": st.sampled_from([None, 0, -50]), "suppress": st.just(["defrost", "maintenance"]),
    "suppress_max_s": st.sampled_from([300, 3600]), "data_missing_s": st.just(1200),
    "max_gap_s": st.just(900)})


@settings(max_examples=400)
@given(rules, st.lists(st.tuples(waits, moves), max_size=60), st.integers(0, PERIOD - 1))
def test_machine_equals_model(rule, steps, start):
    rule = fill(ALARM_SPEC, rule)
    if rule["warning"] is not None:
        rule["warning"] = 800 + rule["warning"] * (1 if rule["side"] == "high" else -1)
    machine, model, now = Alarm("m", rule), Model(rule), start
    for wait, (move, argument) in steps:
        now += wait
        tick = now % PERIOD
        before = (machine.state, machine.sensor_fault, machine.data_missing, machine.suppressed)
        if move in ("read", "fail"):
            event = machine.update(argument or 0, tick, move == "read")
            model.read(argument, now)
        elif move in ("suppress", "release"):
            event = getattr(machine, move)(argument, tick)
            getattr(model, move)(argument, now)
        else:
            event = getattr(machine, move)(tick)
            getattr(model, "pass_time" if move == "tick" else move)(now)
        assert machine.state == model.state
        assert (machine.latched, machine.acknowledged) == (model.latched, model.acknowledged)
        assert (machine.sensor_fault, machine.data_missing) == (model.fault, model.missing)
        assert machine.suppressed == (model.suppressed_at is not None)
        assert machine.record(event)["total_s"] == model.total_s()
        after = (machine.state, machine.sensor_fault, machine.data_missing, machine.suppressed)
        assert bool(event) or before == after
        changed = event & (a.ALARM_ON | a.WARNING_ON | a.RETURNED)
        assert bool(changed) == (before[0] != after[0])


@given(st.lists(st.tuples(st.integers(0, 400000), st.booleans()), max_size=80),
       st.sampled_from([24, 3600, 7201]))
def test_rolling_time_is_at_least_the_window_and_at_most_a_24th_more(intervals, window_s):
    rolling, history, now = RollingTime(window_s), [], 0
    for ms, counts in intervals:
        rolling.elapse(ms, counts)
        history.append((now, now + ms, counts))
        now += ms

    def within(span_ms):
        low = now - span_ms
        return sum(max(0, end - max(start, low)) for start, end, counts in history if counts)

    bucket = window_s * 1000 // 24
    assert rolling.total_s >= within(bucket * 24) // 1000
    assert rolling.total_s <= within(bucket * 25) // 1000


@given(st.floats(-1000, 1000), st.floats(1e-4, 10), st.floats(-500, 500),
       st.sampled_from(["high", "low"]), st.integers(-30000, 30000))
def test_integer_limit_says_outside_exactly_when_the_physical_value_is(
        limit, scale, offset, side, value):
    if abs((limit - offset) / scale) > 1e6:
        return
    rule = fill(ALARM_SPEC, {"source": "p.v", "side": side, "limit": limit})
    alarm = Alarm("m", rule, scale, offset)
    distance = (value * scale + offset - limit) / scale
    if abs(distance) <= 1 / 32:  # on the limit, within the rounding of floats
        return
    alarm.update(value, 0)
    assert (alarm.state == a.ALARM) == (distance > 0 if side == "high" else distance < 0)
