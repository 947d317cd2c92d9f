# SPDX-License-Identifier: Apache-2.0
"""The app running a replayed hour: a cold room by the minute and a motor in bursts."""

import binascii
import io
import json
import unittest
from array import array

from firmware.app import App
from firmware.clock import Clock
from firmware.drivers.replay import RecordingError, Replay, Samples, make, parse
from noalloc import no_allocation, vectors


class Pause:
    """Awaitable that hands its deadline to the scheduler."""

    def __init__(self, due_ms):
        self.due_ms = due_ms
        self._done = False

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        if self._done:
            raise StopIteration
        self._done = True
        return self


class Scheduler:
    """Runs coroutines in virtual time; stands for the modules `time` and `asyncio` in a Clock."""

    def __init__(self, start_ms=0):
        self.now_ms = 0
        self._start_ms = start_ms
        self._tasks = []

    def ticks_ms(self):
        return (self._start_ms + self.now_ms) & 0x3FFFFFFF

    def time(self):
        return 1772409600 + self.now_ms // 1000

    def gmtime(self, seconds):
        return (1970, 1, 1, 0, 0, 0, 3, 1)

    def sleep_ms(self, ms):
        return self._sleep(ms)

    async def _sleep(self, ms):
        await Pause(self.now_ms + ms)

    def create_task(self, coroutine):
        self._tasks.append([self.now_ms, len(self._tasks), coroutine])

    def run(self, until_ms):
        while True:
            task = min(self._tasks, key=lambda entry: (entry[0], entry[1]))
            if task[0] > until_ms:
                self.now_ms = until_ms
                return
            self.now_ms = max(self.now_ms, task[0])
            try:
                task[0] = task[2].send(None).due_ms
            except StopIteration:
                self._tasks.remove(task)


class MemoryStore:
    """Files in RAM with the methods of firmware.store.Store."""

    def __init__(self, files):
        self.files = files

    def read(self, name, limit=65536):
        data = self.files.get(name)
        return None if data is None or len(data) > limit else data

    def open(self, name):
        return io.BytesIO(self.files[name]) if name in self.files else None

    def replace(self, name, data):
        self.files[name] = data
        return True

    def append(self, name, line, max_bytes, files=1):
        self.files[name] = self.files.get(name, b"") + line.encode()
        return True


class Pin:
    OUT = 1
    levels = {}

    def __init__(self, number, mode, value=0):
        self._number = number
        Pin.levels[number] = value

    def value(self, level):
        Pin.levels[self._number] = level


class Machine:
    Pin = Pin


GOLDEN = vectors("firmware_app")
TEMPERATURE = [{"name": "temperature", "unit": "degC", "scale": 0.01, "offset": 0.0}]


def configuration():
    return {
        "version": 1, "device": {"id": "hour"},
        "pipelines": {
            "room": {"sensor": {"driver": "slow"}, "summary_every_s": 1800},
            "motor": {"sensor": {"driver": "fast"}, "model": "motor.tcb",
                      "run_gate": {"source": "x rms log2", "on": 0.0, "off": -3.0},
                      "vibration": {"value": "score", "baseline_windows": 20},
                      "schedule": {"every_s": 60, "windows": 2}}},
        "alarms": {
            "temp_high": {"source": "room.temperature", "side": "high", "limit": 8.0,
                          "delay_s": 600, "dead_band": 0.5},
            "bearing": {"source": "motor.score", "side": "high", "limit": 2.0, "delay_s": 60}},
        "outputs": {"stop": {"driver": "relay", "pin": 15, "alarms": ["temp_high"]}}}


def build(config=None, bundle=None, start_ms=0, run=True):
    scheduler = Scheduler(start_ms)
    clock = Clock(scheduler, scheduler, 3)
    data = binascii.unhexlify(GOLDEN["bundle"]) if bundle is None else bundle
    text = json.dumps(configuration()).encode() if config is None else config
    store = MemoryStore({"config.json": text, "models/motor.tcb": data})
    drivers = {
        "slow": lambda settings, clock, store: Replay(
            clock, TEMPERATURE, 17, array("h", GOLDEN["temperature"])),
        "fast": lambda settings, clock, store: Replay(
            clock, [GOLDEN["channel"]], GOLDEN["rate_mhz"], array("h", GOLDEN["vibration"]))}
    app = App(clock, store, Machine, drivers, echo=None)
    if run:
        scheduler.create_task(app.run())
    return app, scheduler, store


def records(store, kind):
    lines = store.files.get("records.jsonl", b"").decode().split("\n")
    return [r for r in [json.loads(line) for line in lines if line] if r["kind"] == kind]


class TestReplayedHour(unittest.TestCase):
    def test_the_hour(self):
        app, scheduler, store = build()
        self.assertEqual(app.problems, [])
        scheduler.run(30 * 60 * 1000)
        self.assertEqual(Pin.levels[15], 1)
        scheduler.run(3600 * 1000)
        alarms = [r for r in records(store, "alarm") if r["rule"] == "temp_high"]
        self.assertEqual([r["new"] for r in alarms], ["alarm", "normal"])
        # a sample each 1/0.017 s; above 8 degC from sample 21 on, alarm 600 s later
        self.assertEqual(alarms[0]["up_s"] // 60, 31)
        self.assertEqual(alarms[0]["value"], 9.5)
        self.assertEqual(alarms[0]["outputs"], ["stop"])
        self.assertEqual(alarms[1]["up_s"] // 60, 45)
        self.assertEqual(Pin.levels[15], 1)
        summaries = [r for r in records(store, "summary") if r["pipeline"] == "room"]
        self.assertEqual(summaries[0]["temperature"], [4.0, 5.83, 9.5])

    def test_relay_is_off_before_the_app_runs_and_while_in_alarm(self):
        Pin.levels.clear()
        app, scheduler, _ = build()
        self.assertEqual(Pin.levels[15], 0)
        scheduler.run(1000)
        self.assertEqual(Pin.levels[15], 1)
        scheduler.run(35 * 60 * 1000)
        self.assertEqual(Pin.levels[15], 0)
        self.assertEqual(app.outputs.tripped(), ["stop"])

    def test_vibration_alarm_names_its_reasons(self):
        app, scheduler, store = build()
        scheduler.run(3600 * 1000)
        alarms = [r for r in records(store, "alarm") if r["rule"] == "bearing"]
        on, off = alarms[0], alarms[1]
        self.assertEqual(on["events"], ["alarm"])
        self.assertIn(on["reasons"][0][0], ("x kurtosis", "x 312.5-500 Hz"))
        self.assertGreater(on["reasons"][0][1], on["reasons"][1][1])
        self.assertEqual(off["new"], "normal")
        first, last = GOLDEN["worn"]
        self.assertGreater(on["up_s"], 60 * (first // 2))
        self.assertLess(on["up_s"], 60 * (first // 2 + 4))
        self.assertLess(off["up_s"], 60 * (last // 2 + 4))
        self.assertEqual(app.pipelines["motor"].windows, 64)

    def test_ticks_wrap_within_the_hour(self):
        _, scheduler, store = build(start_ms=0x3FFFFFFF - 25 * 60 * 1000)
        scheduler.run(3600 * 1000)
        alarms = [r for r in records(store, "alarm") if r["rule"] == "temp_high"]
        self.assertEqual([r["up_s"] // 60 for r in alarms], [31, 45])

    def test_bytes_are_accounted(self):
        app, scheduler, store = build()
        scheduler.run(3600 * 1000)
        report = app.pipelines["motor"].account.report()
        self.assertEqual(report["raw"], 2 * len(GOLDEN["vibration"]))
        size = 0
        for line in store.files["records.jsonl"].decode().split("\n"):
            if '"pipeline":"motor"' in line:
                size += len(line) + 1
        self.assertEqual(report["sent"], size)


class FailingDriver:
    """A chip that answers, then not, then again."""

    channels = TEMPERATURE
    rate_mhz = 1000
    parts = False
    dropped = 0

    def __init__(self, clock, good, bad):
        self._clock = clock
        self._reads = 0
        self._good = good
        self._bad = bad

    async def read(self, block):
        await self._clock.sleep_ms(1000)
        self._reads += 1
        if self._good < self._reads <= self._good + self._bad:
            raise OSError(5, "EIO")
        block[0] = 400
        return 1


class TestFailingSensor(unittest.TestCase):
    def test_fault_is_raised_logged_and_cleared(self):
        scheduler = Scheduler()
        config = configuration()
        config["pipelines"].pop("motor")
        config["alarms"].pop("bearing")
        store = MemoryStore({"config.json": json.dumps(config).encode()})
        clock = Clock(scheduler, scheduler, 1)
        drivers = {"slow": lambda settings, clock, store: FailingDriver(clock, 30, 60)}
        app = App(clock, store, Machine, drivers, echo=None)
        scheduler.create_task(app.run())
        scheduler.run(120 * 1000)
        self.assertTrue(app.alarms["temp_high"].sensor_fault)
        self.assertEqual(Pin.levels[15], 0)
        scheduler.run(300 * 1000)
        self.assertFalse(app.alarms["temp_high"].sensor_fault)
        self.assertEqual(Pin.levels[15], 1)
        self.assertEqual(app.samplers["room"].failed, 60)
        events = [r["events"] for r in records(store, "alarm")]
        self.assertEqual(events, [["sensor_fault"], ["sensor_ok"]])
        self.assertIn(b"is silent, error: ", store.files["log.txt"])
        self.assertIn(b"heard again, error: None", store.files["log.txt"])


class TestRunGate(unittest.TestCase):
    def test_standing_machine_is_not_scored(self):
        app, _, _ = build(run=False)
        motor = app.pipelines["motor"]
        still = array("h", [0] * 128)
        for window in range(4):
            motor.feed(still, 128, 1000 * window)
        self.assertFalse(motor.running)
        self.assertEqual(motor.values.raw[motor.values.index("score")], 0)
        self.assertEqual(motor.windows, 4)
        motor.feed(array("h", GOLDEN["vibration"][:128]), 128, 5000)
        self.assertTrue(motor.running)
        self.assertGreater(motor.values.raw[motor.values.index("score")], 0)


class TestRefusals(unittest.TestCase):
    def test_damaged_model_is_refused_and_thresholds_go_on(self):
        data = bytearray(binascii.unhexlify(GOLDEN["bundle"]))
        data[200] ^= 1
        app, scheduler, store = build(bundle=bytes(data))
        scheduler.run(40 * 60 * 1000)
        start = records(store, "start")[0]
        self.assertTrue(any("model refused" in p for p in start["problems"]))
        self.assertTrue(any("alarm bearing" in p for p in start["problems"]))
        self.assertIn("alarm", [r["new"] for r in records(store, "alarm")])
        silent = [r for r in records(store, "alarm") if r["rule"] == "bearing"]
        self.assertEqual([r["events"] for r in silent], [["data_missing"]])
        self.assertIn(b"model refused", store.files["log.txt"])

    def test_unknown_gate_source_is_reported_and_the_rest_goes_on(self):
        text = json.dumps(configuration()).replace("x rms log2", "x volume")
        app, _, _ = build(config=text.encode(), run=False)
        self.assertEqual(len(app.problems), 1)
        self.assertIn("no value 'x volume'", app.problems[0])
        self.assertEqual(sorted(app.alarms), ["bearing", "temp_high"])
        self.assertTrue(app.pipelines["motor"].running)

    def test_model_for_another_rate_is_refused(self):
        app, _, _ = build(run=False)
        motor = app.pipelines["motor"]
        from firmware.loader import load

        class Other:
            channels = [GOLDEN["channel"]]
            rate_mhz = 2_000_000
            parts = False

        with self.assertRaises(ValueError):
            load(app.store, "motor.tcb", Other)
        self.assertIsNotNone(motor.model)

    def test_bad_config_falls_back_to_the_last_good_one(self):
        app, _, store = build(run=False)
        self.assertIn("config.good", store.files)
        store.files["config.json"] = b'{"version": 1, "alarms": {'
        scheduler = Scheduler()
        again = App(Clock(scheduler, scheduler, 4), store, Machine, app._drivers, echo=None)
        self.assertEqual(sorted(again.alarms), ["bearing", "temp_high"])
        self.assertTrue(any("last good" in p for p in again.problems))

    def test_without_any_good_config_limits_are_safe_and_it_is_reported(self):
        text = json.dumps(configuration()).replace('"limit": 8.0', '"limit": "warm"')
        app, scheduler, store = build(config=text.encode())
        self.assertIn("temp_high", app.alarms)
        scheduler.run(3600 * 1000)
        self.assertTrue(records(store, "start")[0]["problems"])
        self.assertEqual(app.config["alarms"]["temp_high"]["limit"], 8.0)


class TestPipelineMemory(unittest.TestCase):
    def test_windows_and_samples_allocate_nothing(self):
        app, _, _ = build(run=False)
        motor, room = app.pipelines["motor"], app.pipelines["room"]
        block = array("h", GOLDEN["vibration"][:128])
        sample = array("h", [400])
        for _ in range(3):
            motor.feed(block, 128, 0)
            room.feed(sample, 1, 0)
            motor.tick(0)
        with no_allocation():
            motor.feed(block, 128, 60)
            room.feed(sample, 1, 60)
            motor.tick(60)
            room.tick(60)


class TestDerivedValues(unittest.TestCase):
    def room(self):
        from firmware.health import Account
        from firmware.pipeline import Pipeline

        section = {
            "temperature": "temperature", "humidity": None, "mkt_h": 24,
            "door": {"input": "door", "rise": 4, "rise_s": 300, "humidity_jump": None},
            "defrost": {"input": None, "start": 6.0, "end": 5.0, "max_s": 3600,
                        "min_interval_s": 0, "recovery_s": 0},
            "compressor": None}

        class Driver:
            channels = [TEMPERATURE[0],
                        {"name": "door", "unit": "open", "scale": 1.0, "offset": 0.0}]
            rate_mhz = 17
            parts = False

        settings = {"cold_chain": section, "run_gate": None, "vibration": None}
        placement = {"raw": "never", "alarms": "always"}
        return Pipeline("room", settings, Driver, None, Account(placement), lambda *seen: None)

    def test_door_counts_seconds_and_mkt_follows(self):
        room = self.room()
        for minute in range(10):
            room.feed(array("h", [400, 1 if minute >= 5 else 0]), 1, minute * 60000)
        values = room.values
        self.assertEqual(values.physical(values.index("door_open_s")), 240)
        self.assertAlmostEqual(values.physical(values.index("mkt")), 4.0, delta=0.05)

    def test_missing_sample_is_not_a_value(self):
        room = self.room()
        rule = {"source": "room.temperature", "side": "high", "limit": 8.0, "delay_s": 0}
        config = configuration()
        config["alarms"] = {"high": rule}
        from tocsin.config.defaults import complete

        alarm = room.watch("high", complete(config)["alarms"]["high"], "temperature")
        room.feed(array("h", [400, 0]), 1, 0)
        room.feed(array("h", [-32768, 0]), 1, 60000)
        room.feed(array("h", [-32768, 0]), 1, 130000)
        self.assertTrue(alarm.sensor_fault)
        self.assertEqual(alarm.state, 0)

    def test_room_samples_allocate_nothing(self):
        room = self.room()
        block = array("h", [400, 0])
        for minute in range(3):
            room.feed(block, 1, minute * 60000)
        with no_allocation():
            room.feed(block, 1, 180000)

    def test_line_counts_and_clears(self):
        from firmware.line import Line
        from firmware.values import Values

        values = Values()
        line = Line(["good", "tilted"], 0, values)
        values.make()
        line.update(0, 0)
        line.update(1, 0)
        self.assertEqual(values.raw[values.index("label:tilted")], 1)
        self.assertEqual(values.raw[values.index("bad")], 1)
        self.assertEqual(values.physical(values.index("yield")), 0.5)
        line.clear()
        self.assertEqual(values.raw[values.index("label:tilted")], 0)
        self.assertEqual(values.raw[values.index("bad")], 0)
        line.update(-1, 1)
        self.assertEqual(values.raw[values.index("bad_in_a_row")], 2)


class TestSamplerDeadline(unittest.TestCase):
    def test_silence_is_noticed_and_ends(self):
        app, scheduler, _ = build(run=False)
        sampler = app.samplers["room"]
        self.assertFalse(sampler.check(100000))
        self.assertTrue(sampler.check(200000))
        self.assertTrue(sampler.silent)
        self.assertFalse(sampler.check(260000))


class TestRecordings(unittest.TestCase):
    def parts(self, samples):
        header = json.dumps({"channels": TEMPERATURE, "rate_mhz": 1000}).encode()
        return b"TREC" + bytes([len(header), 0]) + header + bytes(array("h", samples))

    def test_file_is_parsed(self):
        found, samples = parse(io.BytesIO(self.parts([1, -1])))
        self.assertEqual(found["rate_mhz"], 1000)
        block = array("h", [0, 0, 0])
        samples.copy(0, block, 2)
        self.assertEqual((len(samples), list(block)), (2, [1, -1, 0]))

    def test_damage_is_named(self):
        for data in (b"", b"TREC\x05", b"TREC\x05\x00{}", b"RIFF" + bytes(20)):
            with self.assertRaises(RecordingError):
                parse(io.BytesIO(data))

    def test_file_is_played_again_and_again_block_by_block(self):
        store = MemoryStore({"a.trec": self.parts([1, 2, 3, 4, 5])})
        scheduler = Scheduler()
        replay = make({"file": "a.trec", "loop": True}, Clock(scheduler, scheduler, 1), store)
        played, block = [], array("h", [0, 0])

        async def play():
            while True:
                count = await replay.read(block)
                played.extend(block[:count])

        scheduler.create_task(play())
        scheduler.run(60_000)
        self.assertEqual(played[:12], [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2])

    def test_file_cut_while_it_plays_is_a_failing_sensor(self):
        class Cut:
            def seek(self, at, whence=0):
                return 6

            def readinto(self, block):
                return len(block)

        with self.assertRaises(OSError):
            Samples(Cut(), 0).copy(0, array("h", [0, 0, 0]), 3)

    def test_missing_file_is_named(self):
        with self.assertRaises(RecordingError):
            make({"file": "a.trec"}, None, MemoryStore({}))


if __name__ == "__main__":
    unittest.main()
