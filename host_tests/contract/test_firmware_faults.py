# SPDX-License-Identifier: Apache-2.0
"""One thing goes wrong: the other pipelines, alarms and outputs go on, and it is reported."""

import json
import unittest
from array import array

from firmware import operator
from firmware.app import App
from firmware.clock import Clock
from firmware.drivers.replay import Replay
from firmware.health import Account
from firmware.pipeline import Pipeline
from firmware.records import Records
from firmware.sampling import Sampler
from firmware.summary import Summary
from firmware.values import Values
from test_firmware_app import (
    GOLDEN,
    TEMPERATURE,
    Machine,
    MemoryStore,
    Scheduler,
    build,
    configuration,
    records,
)
from tocsin.config.defaults import complete
from tocsin.config.schema import validate

PLACEMENT = {"raw": "never", "features": "never", "scores": "on_alarm", "alarms": "always",
             "summaries": "always"}


class Sensor:
    """What a pipeline and a sampler ask of a driver."""

    dropped = 0
    rate_mhz = 1_000_000
    parts = False

    def __init__(self, channels, parts=False):
        self.channels = channels
        self.parts = parts


class Broken:
    """A driver's `make` that raises."""

    def __init__(self, error):
        self._error = error

    def __call__(self, settings, clock, store, hardware):
        raise self._error


class Decision:
    score = alarm = 0

    def update(self, score):
        return score

    def reset(self):
        pass


class Model:
    """Scores the newest sample; window of 4."""

    def __init__(self, channels, missing=None, part=None):
        self.conf = {"window": 4, "hop": 4, "channels": channels, "missing": missing,
                     "part": part, "features": [{"kind": "value", "index": -1}]}
        self.extractor = self.scorer = self
        self.network = None
        self.label = -1
        self.n_features = 1
        self.feature_names = ["newest"]
        self.classes = []
        self.decision = Decision()
        self.vector = array("h", [0])
        self.counts = []
        self.resets = 0

    def extract(self, frames, count):
        self.counts.append(count)
        self.vector[0] = frames[0][count - 1]
        return self.vector

    def reset(self):
        self.resets += 1

    def score(self, vector):
        return vector[0]

    def reasons(self, count):
        return []


def rule(source, **keys):
    config = configuration()
    config["alarms"] = {"a": dict({"source": source, "side": "high", "limit": 5.0}, **keys)}
    return complete(config)["alarms"]["a"]


CURRENT = [{"name": "current", "unit": "A", "scale": 0.01, "offset": 0.0}]


def pipeline(sensor, model, gate=None, changed=lambda *seen: None):
    settings = {"cold_chain": None, "vibration": None, "run_gate": gate}
    return Pipeline("p", settings, sensor, model, Account(PLACEMENT), changed)


class TestBuilding(unittest.TestCase):
    def start(self, machine=Machine, drivers=None, **changes):
        config = configuration()
        config["alarms"]["temp_high"]["source"] = "room.temperature"
        config["outputs"]["stop"].update(changes)
        scheduler = Scheduler()
        clock = Clock(scheduler, scheduler, 3)
        store = MemoryStore({"config.json": json.dumps(config).encode()})
        found = {"slow": lambda settings, clock, store, hardware: Replay(
            clock, TEMPERATURE, 17, array("h", GOLDEN["temperature"]))}
        found.update(drivers or {})
        app = App(clock, store, machine, found, echo=None)
        scheduler.create_task(app.run())
        return app, scheduler, store

    def test_driver_that_cannot_be_built_leaves_the_other_pipeline_running(self):
        for error in (MemoryError("no heap"), AttributeError("make"), ZeroDivisionError("scale")):
            app, scheduler, store = self.start(drivers={"fast": Broken(error)})
            scheduler.run(40 * 60 * 1000)
            self.assertEqual(app.alarms["temp_high"].state, 2)
            self.assertTrue(any(str(error) in p for p in records(store, "start")[0]["problems"]))

    def test_pin_that_the_board_does_not_have_is_reported(self):
        class Board:
            class Pin:
                OUT = 1

                def __init__(self, number, mode, value=0):
                    raise ValueError("invalid pin")

        app, scheduler, store = self.start(machine=Board, pin=200)
        scheduler.run(40 * 60 * 1000)
        self.assertEqual(app.alarms["temp_high"].state, 2)
        self.assertIn("pin 200: invalid pin", records(store, "start")[0]["problems"])

    def test_bundle_without_channels_is_refused_and_its_sensor_watched(self):
        app, _, store = build(run=False)
        import firmware.loader as loader
        from tocsin.models.file import open_bundle

        def broken(file, name, in_ram):
            bundle = open_bundle(file, name)
            del bundle.conf["channels"]
            return bundle

        original = loader.open_bundle
        loader.open_bundle = broken
        try:
            again = App(app.clock, store, Machine, app._drivers, echo=None)
        finally:
            loader.open_bundle = original
        self.assertIsNone(again.pipelines["motor"].model)
        self.assertIn("bearing", again.alarms)

    def test_gate_out_of_reach_is_dropped_and_reported(self):
        text = json.dumps(configuration()).replace('"on": 0.0', '"on": 400.0')
        app, _, _ = build(config=text.encode(), run=False)
        self.assertIn("run_gate: on is out of reach", app.problems[0])
        self.assertTrue(app.pipelines["motor"].running)

    def test_refused_model_takes_no_gate_and_no_cold_chain_with_it(self):
        gate = {"source": "newest", "on": 1, "off": 0, "hold_on_s": 0, "hold_off_s": 0}
        chain = {"temperature": "temperature", "humidity": None, "mkt_h": 24, "door": None,
                 "defrost": None, "compressor": None}
        settings = {"cold_chain": chain, "vibration": None, "run_gate": gate}
        room = Pipeline("room", settings, Sensor(TEMPERATURE), None, Account(PLACEMENT), None)
        self.assertEqual(room.values.index("mkt"), 4)

    def test_file_sink_needs_sizes(self):
        config = configuration()
        for wrong in ({"max_bytes": "64k"}, {"max_bytes": 0}, {"files": None}):
            config["sinks"] = [dict({"driver": "file"}, **wrong)]
            self.assertEqual(len(validate(config)), 1)
        config["sinks"] = [{"driver": "file", "max_bytes": 65536, "files": 3}]
        self.assertEqual(validate(config), [])


class TestRunning(unittest.TestCase):
    def test_failing_tick_does_not_end_the_app(self):
        app, scheduler, store = build()
        scheduler.run(5000)

        def fail(now_ms):
            app.pipelines["motor"].tick = lambda now_ms: None
            raise MemoryError("no heap")

        app.pipelines["motor"].tick = fail
        scheduler.run(40 * 60 * 1000)
        self.assertEqual(app.health.task_failures, 1)
        self.assertEqual(app.alarms["temp_high"].state, 2)
        self.assertIn(b"deadlines failed: MemoryError", store.files["log.txt"])

    def test_alarm_is_recorded_when_its_reasons_fail(self):
        app, scheduler, store = build()

        def fail():
            raise MemoryError("no heap")

        app.pipelines["room"].reasons = fail
        scheduler.run(40 * 60 * 1000)
        alarms = [r for r in records(store, "alarm") if r["rule"] == "temp_high"]
        self.assertEqual([r["new"] for r in alarms], ["alarm"])
        self.assertIsNone(alarms[0]["reasons"])


class TestPlacement(unittest.TestCase):
    def test_summaries_on_alarm_are_sent_while_one_stands(self):
        config = configuration()
        config["pipelines"]["room"].update(
            {"summary_every_s": 300, "placement": {"summaries": "on_alarm"}})
        _, scheduler, store = build(config=json.dumps(config).encode())
        scheduler.run(3600 * 1000)
        sent = [r for r in records(store, "summary") if r["pipeline"] == "room"]
        self.assertEqual([r["up_s"] // 60 for r in sent], [35, 40, 45])
        self.assertEqual([r["state"] for r in sent], ["alarm"] * 3)

    def test_each_artefact_is_sent_as_often_as_the_placement_says(self):
        for policy in ("never", "on_alarm", "always"):
            config = configuration()
            config["pipelines"]["motor"]["placement"] = {
                "raw": policy, "features": policy, "scores": policy}
            app, scheduler, store = build(config=json.dumps(config).encode())
            scheduler.run(3600 * 1000)
            windows = app.pipelines["motor"].windows
            raised = [r for r in records(store, "alarm")
                      if r["rule"] == "bearing" and "alarm" in r["events"]]
            expected = {"never": 0, "on_alarm": len(raised), "always": windows}[policy]
            self.assertEqual(len(records(store, "raw")), expected)
            self.assertEqual(len(records(store, "features")), expected)
            self.assertEqual(len(records(store, "score")), windows if policy == "always" else 0)
            self.assertEqual("scores" in raised[0], policy != "never")


class TestStreams(unittest.TestCase):
    def test_gate_follows_a_channel_of_a_fast_stream(self):
        model = Model(CURRENT)
        gate = {"source": "current", "on": 2.0, "off": 1.0, "hold_on_s": 0, "hold_off_s": 0}
        motor = pipeline(Sensor(CURRENT), model, gate)
        motor.feed(array("h", [50, 50, 50, 50]), 4, 0)
        self.assertFalse(motor.running)
        motor.feed(array("h", [300, 300, 300, 300]), 4, 1000)
        self.assertTrue(motor.running)

    def test_windows_of_nothing_but_missing_samples_are_a_sensor_fault(self):
        motor = pipeline(Sensor(CURRENT), Model(CURRENT, -32768))
        alarm = motor.watch("high", rule("p.score", sensor_fault_s=60), "score")
        motor.feed(array("h", [300, 300, -32768, -32768]), 4, 0)
        gone = array("h", [-32768] * 4)
        for second in range(1, 62):
            motor.feed(gone, 4, second * 1000)
            self.assertEqual(alarm.sensor_fault, second == 61)
        motor.feed(array("h", [-32768, -32768, -32768, 300]), 4, 62000)
        self.assertFalse(alarm.sensor_fault)

    def test_no_window_reaches_across_a_failed_read_of_a_fast_stream(self):
        scheduler = Scheduler()
        clock = Clock(scheduler, scheduler, 1)
        blocks = [[1, 2, 3], None, [4, 5, 6, 7]]

        class Chip(Sensor):
            async def read(self, block):
                await clock.sleep_ms(3)
                if not blocks:
                    await clock.sleep_ms(1_000_000)
                samples = blocks.pop(0)
                if samples is None:
                    raise OSError(5, "EIO")
                for i in range(len(samples)):
                    block[i] = samples[i]
                return len(samples)

        chip = Chip(CURRENT)
        motor = pipeline(chip, Model(CURRENT))
        scheduler.create_task(Sampler(motor, chip, None, clock).run())
        scheduler.run(10_000)
        self.assertEqual(motor.windows, 1)
        self.assertEqual(list(motor.frames()[0]), [4, 5, 6, 7])

    def test_no_window_reaches_across_samples_that_the_driver_dropped(self):
        scheduler = Scheduler()
        clock = Clock(scheduler, scheduler, 1)
        blocks = [([1, 2, 3], 0), ([4, 5, 6, 7], 9), ([8, 9, 10, 11], 9)]

        class Chip(Sensor):
            async def read(self, block):
                await clock.sleep_ms(3)
                if not blocks:
                    await clock.sleep_ms(1_000_000)
                samples, self.dropped = blocks.pop(0)
                for i in range(len(samples)):
                    block[i] = samples[i]
                return len(samples)

        chip = Chip(CURRENT)
        seen = []
        motor = pipeline(chip, Model(CURRENT))
        motor.judged = lambda pipeline: seen.append(list(pipeline.frames()[0]))
        scheduler.create_task(Sampler(motor, chip, None, clock).run())
        scheduler.run(10_000)
        self.assertEqual(seen, [[4, 5, 6, 7], [8, 9, 10, 11]])

    def test_driver_may_rest_between_bursts(self):
        scheduler = Scheduler()
        clock = Clock(scheduler, scheduler, 1)
        stops = []

        class Chip(Sensor):
            async def read(self, block):
                await clock.sleep_ms(10)
                return 4

            def stop(self):
                stops.append(scheduler.now_ms)

        chip = Chip(CURRENT)
        motor = pipeline(chip, Model(CURRENT))
        schedule = {"every_s": 60, "windows": 2}
        scheduler.create_task(Sampler(motor, chip, schedule, clock).run())
        scheduler.run(130_000)
        self.assertEqual(stops, [20, 60_020, 120_020])

    def test_no_window_reaches_across_a_silence_of_eight_days(self):
        model = Model(CURRENT)
        model.conf.update({"restart_after": 10, "interval_ms": 60000})
        room = pipeline(Sensor(CURRENT), model)
        room.feed(array("h", [1, 2, 3]), 3, 60000)
        model.resets = 0
        now = 0
        for _ in range(8 * 24):
            now = (now + 3600000) & 0x3FFFFFFF
            room.tick(now)
        room.feed(array("h", [4]), 1, now)
        self.assertEqual(room.windows, 0)
        self.assertGreater(model.resets, 0)

    def test_gap_drops_the_part_under_way(self):
        model = Model(CURRENT, part={"start": 100})
        press = pipeline(Sensor(CURRENT), model)
        press.feed(array("h", [0, 200, 201]), 3, 0)
        press.restart()
        press.feed(array("h", [0, 200, 0]), 3, 1000)
        self.assertEqual(model.counts, [1])

    def test_model_for_another_interval_is_refused(self):
        app, _, _ = build(run=False)
        import firmware.loader as loader
        from tocsin.models.file import open_bundle

        def slow(file, name, in_ram):
            bundle = open_bundle(file, name)
            bundle.conf.update({"rate_mhz": None, "interval_ms": 60000})
            return bundle

        sensor = Sensor([GOLDEN["channel"]])
        original = loader.open_bundle
        loader.open_bundle = slow
        try:
            for rate_mhz in (16, 17):
                sensor.rate_mhz = rate_mhz
                loader.load(app.store, "motor.tcb", sensor)
            for rate_mhz in (3, 1000):
                sensor.rate_mhz = rate_mhz
                with self.assertRaises(ValueError):
                    loader.load(app.store, "motor.tcb", sensor)
        finally:
            loader.open_bundle = original


class TestParts(unittest.TestCase):
    def test_alarm_on_a_channel_sees_the_samples_of_a_part(self):
        for model in (Model(CURRENT), None):
            press = pipeline(Sensor(CURRENT, True), model)
            alarm = press.watch("high", rule("p.current"), "current")
            press.feed_part(array("h", [0, 499, 0]), 3, 0)
            self.assertEqual(alarm.state, 0)
            press.feed_part(array("h", [0, 500, 500]), 3, 1000)
            self.assertEqual(alarm.state, 2)

    def test_sampler_without_a_model_has_a_block_to_read_into(self):
        scheduler = Scheduler()
        clock = Clock(scheduler, scheduler, 1)
        sensor = Sensor(CURRENT, True)
        sampler = Sampler(pipeline(sensor, None), sensor, None, clock)
        self.assertEqual(len(sampler._block), 128)

    def test_part_after_a_failure_is_judged_by_its_own_samples(self):
        model = Model(CURRENT)

        def fail(*seen):
            press.alarms[0].extremes.reset()
            raise MemoryError("no heap")

        press = pipeline(Sensor(CURRENT, True), model, changed=fail)
        press.watch("high", rule("p.score"), "score")
        with self.assertRaises(MemoryError):
            press.feed_part(array("h", [9000] * 4), 4, 0)
        with self.assertRaises(MemoryError):
            press.feed_part(array("h", [7] * 4), 4, 1000)
        self.assertEqual(model.vector[0], 7)

    def test_release_takes_the_score_of_the_part_away(self):
        seen = []

        class Line:
            config = {"outputs": {"stop": {"alarms": ["high"]}}}

            class kept:
                changed = False

            class log:
                add = staticmethod(lambda level, text: seen.append(text))

            def on_change(self, *change):
                self.output.update()

        from firmware.outputs import Output

        app = Line()
        scheduler = Scheduler()
        app.clock = Clock(scheduler, scheduler, 1)
        presses = {}
        for name in ("p", "q"):
            press = pipeline(Sensor(CURRENT, True), Model(CURRENT), changed=app.on_change)
            press.watch("high" if name == "p" else "other", rule("p.score"), "score")
            presses[name] = press
        app.pipelines = presses
        app.output = Output("stop", {"driver": "relay", "latch": True, "fail_safe": True,
                                     "level": "alarm"}, presses["p"].alarms, None)

        class Outputs:
            def find(self, name):
                return app.output

        app.outputs = Outputs()
        for name in presses:
            presses[name].feed_part(array("h", [9000] * 4), 4, 0)
        self.assertTrue(app.output.tripped)
        self.assertTrue(operator.release(app, "stop"))
        self.assertEqual(presses["p"].alarms[0].state, 0)
        self.assertEqual(presses["q"].alarms[0].state, 2)


class TestBounds(unittest.TestCase):
    def test_extremes_are_of_the_whole_period(self):
        values = Values()
        values.add("temperature", 0.01)
        values.make()
        summary = Summary(values, 1, False)
        summary.follow_channels()
        for i in range(16386):
            values.raw[0] = 400 if i < 16384 else 900 if i == 16384 else -100
            summary.sample()
        self.assertEqual(summary.record(None)["temperature"], [-1.0, 4.0, 9.0])

    def test_bytes_are_counted_as_written(self):
        scheduler = Scheduler()
        lines = []

        class Sink:
            def send(self, line):
                lines.append(line)
                return True

        account = Account(PLACEMENT)
        sent = Records(Clock(scheduler, scheduler, 1), Sink())
        sent.send("alarm", "p", {"label": "größe"}, account, "alarms")
        self.assertEqual(account.sent_bytes(), len(lines[0].encode()) + 1)
        self.assertEqual(sent.bytes, account.sent_bytes())


if __name__ == "__main__":
    unittest.main()
