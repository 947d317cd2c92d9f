# SPDX-License-Identifier: Apache-2.0
"""From a block of samples to alarms: framer, features, score, vote, run-state gate, alarms."""

from array import array

from firmware.summary import Summary
from firmware.values import Values
from tocsin.kernels import widen
from tocsin.monitor.alarm import Alarm
from tocsin.monitor.ticks import diff

_RECENT = 16
_REASONS = 3
_LONGEST_GAP_MS = 1 << 28


class Watch:
    """An alarm and the index of the value it watches."""

    def __init__(self, alarm, index: int, judged: bool):
        self.alarm = alarm
        self.index = index
        self.judged = judged


class Pipeline:
    """One sensor's way to its alarms; `feed` allocates nothing until an alarm changes.

    settings: the pipeline's section of a completed config. driver: its sensor. model: a
    `Model` or None (then only channels and what is derived from them can alarm).
    changed(pipeline, alarm, mask): called when an alarm changed.
    Attributes: values, alarms (list), windows, running, window (samples per window or part),
    fault (why the newest window has no score: the OSError of its model's file, or None),
    account (a `health.Account`), machine (a `rotating.Machine` or None), judged (called with the
    pipeline after each score, or None), unscored (windows without a score because of a fault).
    """

    def __init__(self, name: str, settings: dict, driver, model, account, changed):
        self.name = name
        self.account = account
        self.alarms = []
        self.windows = self.window = self.unscored = 0
        self.running = True
        self.fault = None
        self.values = Values()
        self.model = model
        self.line = None
        self._changed = changed
        self.judged = None
        self._width = len(driver.channels)
        self._parts = driver.parts
        self._cut = False
        self._sampled = []
        self._judged = []
        self._suppressed = 0
        self._gap_ms = 0
        self._fed_ms = 0
        self._announce(settings, driver)
        self.recent = array("i", [0] * _RECENT)
        self._recent_at = 0
        self.summary = Summary(self.values, self._width, driver.parts)

    def _announce(self, settings: dict, driver) -> None:
        """Fix which values there are, in the order that feeding relies on."""
        values, model = self.values, self.model
        for channel in driver.channels:
            values.add(channel["name"], channel["scale"], channel["offset"], channel["unit"])
        self._room = self.machine = self._gate = None
        if settings["cold_chain"] is not None:
            from firmware.room import Room

            self._room = Room(settings["cold_chain"], values)
        self._first_judged = len(values.names)
        self._framer = None
        if model is not None:
            self._announce_model(settings, model)
        values.make()
        self._gate_at = -1
        gate = settings["run_gate"]
        if gate is not None and model is not None:
            from tocsin.monitor.gate import Gate

            self._gate_at = values.index(gate["source"])
            scale, offset = values.scales[self._gate_at], values.offsets[self._gate_at]
            on = int(round((gate["on"] - offset) / scale))
            if on > 32767:
                raise ValueError("run_gate: on is out of reach")
            self._gate = Gate(on, int(round((gate["off"] - offset) / scale)),
                              int(gate["hold_on_s"] * 1000), int(gate["hold_off_s"] * 1000))
            self.running = False

    def _announce_model(self, settings: dict, model) -> None:
        from firmware.units import feature_scales

        values, conf = self.values, model.conf
        self._features_at = len(values.names)
        scales = feature_scales(conf)
        for i in range(len(scales)):
            values.add(model.feature_names[i], scales[i][0], scales[i][1], scales[i][2])
        self._score_at = values.add("score", 1 / 256, 0.0, "x normal")
        values.add("vote")
        fill = [c.get("fill", 0) for c in conf["channels"]]
        self.window = conf["window"]
        if conf.get("restart_after") and conf.get("interval_ms"):
            self._gap_ms = min(conf["restart_after"] * conf["interval_ms"], _LONGEST_GAP_MS)
        self._cut = self._parts or bool(conf.get("part"))
        if self._cut:
            from firmware.line import Line
            from tocsin.dsp.part_framing import PartFramer

            self._framer = PartFramer(self._width, conf["window"], conf.get("part"),
                                      conf.get("missing"), fill)
            network = model.scorer.network
            normal = -1 if network is None else network.normal
            self.line = Line(model.classes, normal, values)
        else:
            from tocsin.dsp.framing import Framer

            self._framer = Framer(self._width, conf["window"], conf.get("hop", conf["window"]),
                                  conf.get("missing"), fill, conf.get("prime", False))
        if settings["vibration"] is not None:
            from firmware.rotating import Machine

            self.machine = Machine(settings["vibration"], values, model.crc)

    def watch(self, name: str, rule: dict, value: str):
        """Add an alarm on one of the values and return it. Raises ValueError."""
        index = self.values.index(value)
        alarm = Alarm(name, rule, self.values.scales[index], self.values.offsets[index])
        judged = index >= self._first_judged
        self.alarms.append(alarm)
        (self._judged if judged else self._sampled).append(Watch(alarm, index, judged))
        return alarm

    def feed(self, block, count: int, now_ms: int) -> None:
        """Take `count` interleaved samples of a stream that ended at `now_ms` (ticks)."""
        if self._gap_ms:
            self._check_gap(now_ms)
        self._fed_ms = now_ms
        self._follow(block, count, now_ms)
        framer = self._framer
        if framer is None:
            return
        used = 0
        while used < count:
            used += framer.feed(block, used, count - used)
            if framer.ready:
                self._judge(framer.count if self._cut else self.window, now_ms)
                framer.release()

    def feed_part(self, block, count: int, now_ms: int) -> None:
        """Take the `count` interleaved samples of one whole part."""
        self._follow(block, count, now_ms)
        framer = self._framer
        if framer is None:
            return
        framer.release()
        framer.begin()
        framer.feed(block, 0, count)
        framer.end()
        if framer.ready:
            self._judge(framer.count, now_ms)
            framer.release()

    def _check_gap(self, now_ms: int) -> None:
        """Restart after a long silence; each tick looks, as ticks wrap in a silence of days."""
        if diff(now_ms, self._fed_ms) > self._gap_ms:
            self.restart()
            self._fed_ms = now_ms

    def restart(self) -> None:
        """A gap in time: no window and no feature reaches across it."""
        if self._framer is not None:
            self._framer.restart()
            self.model.extractor.reset()

    def _follow(self, block, count: int, now_ms: int) -> None:
        """Count the bytes, and show every sample to whatever follows a channel."""
        self.account.saw(2 * count * self._width)
        if self._sampled or self._room is not None or self.summary.sampled \
                or 0 <= self._gate_at < self._first_judged:
            for i in range(count):
                self._sample(block, i * self._width, now_ms)

    def _sample(self, block, at: int, now_ms: int) -> None:
        """One sample of slow channels: values, what is derived from them, their alarms."""
        raw, valid = self.values.raw, self.values.valid
        for i in range(self._width):
            raw[i] = block[at + i]
            valid[i] = 0 if raw[i] == -32768 else 1
        if self._room is not None:
            self._room.update(now_ms)
            reasons = self._room.suppression()
            if reasons != self._suppressed:
                self._suppress(reasons, now_ms)
        self.summary.sample()
        for watch in self._sampled:
            index = watch.index
            mask = watch.alarm.update(raw[index], now_ms, valid[index] == 1)
            if mask:
                self._changed(self, watch.alarm, mask)

    def _suppress(self, reasons: int, now_ms: int) -> None:
        gone, new = self._suppressed & ~reasons, reasons & ~self._suppressed
        self._suppressed = reasons
        for alarm in self.alarms:
            mask = alarm.suppress(new, now_ms) if new else 0
            if gone:
                mask |= alarm.release(gone, now_ms)
            self._tell(alarm, mask)

    def _tell(self, alarm, mask: int) -> None:
        if mask:
            self._changed(self, alarm, mask)

    def _judge(self, count: int, now_ms: int) -> None:
        """One full window or part: features, gate, score, vote, alarms."""
        model = self.model
        raw = self.values.raw
        vector = model.extractor.extract(self._framer.frames, count)
        widen(vector, len(vector), raw, self._features_at)
        self.windows += 1
        if self._gate is not None:
            self._gated(now_ms)
            if not self.running:
                for watch in self._judged:
                    self._tell(watch.alarm, watch.alarm.hold(now_ms))
                return
        valid = self._cut or min(self._framer.held) < count
        try:
            score = model.decision.update(model.scorer.score(vector))
            self.fault = None
        except OSError as error:  # streamed weights; alarms on features go on
            self.fault = error
            self.unscored += 1
            self.alarm_judged(now_ms, valid, self._score_at)
            return
        raw[self._score_at] = score
        raw[self._score_at + 1] = model.decision.alarm
        self.recent[self._recent_at] = score
        self._recent_at = self._recent_at + 1 if self._recent_at < _RECENT - 1 else 0
        if self.machine is not None:
            self.machine.update()
        if self.line is not None:
            self.line.update(model.scorer.label, model.decision.alarm)
        self.summary.judged(score)
        self.alarm_judged(now_ms, valid)
        if self.judged is not None:
            self.judged(self)

    def alarm_judged(self, now_ms: int, valid: bool = True, end: int = 32767) -> None:
        """Show the alarms on scores, features and verdicts their values, known below index `end`.

        valid False: no channel had a single reading in the window, which only repeats old ones.
        """
        raw = self.values.raw
        for watch in self._judged:
            known = valid and watch.index < end
            self._tell(watch.alarm, watch.alarm.update(raw[watch.index], now_ms, known))

    def _gated(self, now_ms: int) -> None:
        running = self._gate.update(self.values.raw[self._gate_at], now_ms)
        if running and not self.running:
            self.model.decision.reset()
        self.running = running

    def sensor_failed(self, now_ms: int) -> None:
        """A read failed: every value is unknown until the next good one."""
        for watch in self._sampled + self._judged:
            self._tell(watch.alarm, watch.alarm.update(watch.alarm.value, now_ms, False))

    def tick(self, now_ms: int) -> None:
        """About once a second: data missing, gaps, suppression that ran too long."""
        if self._gap_ms:
            self._check_gap(now_ms)
        for alarm in self.alarms:
            self._tell(alarm, alarm.tick(now_ms))

    def reasons(self) -> list:
        """[[feature name, share in percent], ..] of the newest score, strongest first."""
        if self.model is None or self.windows == 0:
            return []
        names = self.values.names
        return [[names[self._features_at + index], share * 100 // 256]
                for index, share in self.model.scorer.reasons(_REASONS)]

    def label(self):
        """Class name of the newest window or part, None without a classifier."""
        label = self.model.scorer.label if self.model is not None else -1
        return self.model.classes[label] if label >= 0 else None

    def recent_scores(self) -> list:
        """The newest scores in units of the edge of normal, oldest first."""
        at = self._recent_at
        return [round(self.recent[(at + i) % _RECENT] / 256, 2) for i in range(_RECENT)]

    def frames(self) -> list:
        """The samples of the newest window, one array('h') per channel; empty without a model."""
        return self._framer.frames if self._framer is not None else []
