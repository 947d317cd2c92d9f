# SPDX-License-Identifier: Apache-2.0
"""Composition root: builds sensors, pipelines, alarms, outputs, log and sink, and runs them."""

import gc

from firmware import config as configuration
from firmware.health import Account, Health
from firmware.log import ERROR, INFO, WARN, Log
from firmware.outputs import Outputs
from firmware.pipeline import Pipeline
from firmware.records import FileSink, Records
from firmware.sampling import Sampler
from firmware.state import State
from firmware.supervisor import keep, watch
from tocsin import kernels
from tocsin.monitor.alarm import ALARM_ON, STATE_NAMES, WARNING_ON

_HEALTH_S = 3600
_OPTIONAL = ("cold_chain", "vibration", "run_gate")


class App:
    """clock: a `Clock`; store: a `Store`; machine: the module, or a stand-in with Pin.

    drivers: name -> make(settings, clock, store, hardware), for those not found as
    firmware/drivers/NAME.py.
    sink: anything with send(line); the default is a bounded file. Nothing starts before `run`.
    boot: module `slots`, watchdog: a `Watchdog`; None where a host runs the app.
    """

    def __init__(self, clock, store, machine, drivers=None, sink=None, echo=print, boot=None,
                 watchdog=None):
        self.clock = clock
        self.store = store
        self.log = Log(clock, store, echo=echo)
        self.audit = None
        self._drivers = drivers or {}
        self._hardware = None
        self.config, self.problems = configuration.load(store)
        self._machine = machine
        self.boot = boot
        self.watchdog = watchdog
        self._step()
        self.health = Health(gc, boot)
        self.records = Records(clock, sink or self._file_sink())
        self.pipelines = {}
        self.samplers = {}
        self.watched = self.samplers
        self.alarms = {}
        self._build()
        gc.collect()
        self.health.note()

    def _build(self) -> None:
        if len(kernels.CANDIDATES) > 1:
            from firmware.backend import settle
            settle(self.store, self.clock, self.log)
        for name in self.config["pipelines"]:
            self._guarded("pipeline " + name, self._build_pipeline, name)
        for name in self.config["alarms"]:
            self._guarded("alarm " + name, self._build_alarm, name)
        self.outputs = Outputs(self.config["outputs"], self.alarms, self._make_pin)
        self.kept = State(self.store)
        self.problems.extend(self.kept.restore(self))

    def _step(self) -> None:
        """One step of building is done; the watchdog need not wait for the others."""
        if self.watchdog is not None:
            self.watchdog.step()

    def _file_sink(self):
        for settings in self.config["sinks"]:
            if settings.get("driver") == "file":
                return FileSink(self.store, settings.get("max_bytes", 65536),
                                settings.get("files", 2))
        return FileSink(self.store)

    def _make_pin(self, number: int):
        """An output pin at 0, as a callable; None for one that the board does not have."""
        pin = self._machine.Pin
        try:
            return pin(number, pin.OUT, value=0).value
        except (ValueError, TypeError) as error:
            self.problems.append("pin %d: %s" % (number, error))
            return None

    def _guarded(self, what: str, build, name: str) -> None:
        """Build one piece; what can't be built is reported and the rest goes on without it."""
        try:
            build(name)
        except Exception as error:  # whatever a driver raises, the others go on
            self.problems.append("%s: %r" % (what, error))
        self._step()

    def _build_pipeline(self, name: str) -> None:
        settings = self.config["pipelines"][name]
        sensor = settings["sensor"]
        make = self._find_driver(sensor["driver"])
        if self._hardware is None and sensor["driver"] != "replay":  # which needs no bus
            from firmware.buses import Hardware

            self._hardware = Hardware(self._machine, self.store)
            self._hardware.driver = _driver_module
        driver = make(sensor, self.clock, self.store, self._hardware)
        model = None
        if settings["model"] is not None:
            try:
                from firmware.loader import load
                model = load(self.store, settings["model"], driver)
                if model.note:
                    self.problems.append("pipeline %s: %s" % (name, model.note))
            except Exception as error:  # the bundle is foreign data
                self.problems.append("pipeline %s: model refused: %s" % (name, error))
        if sensor.get("calibration"):
            from firmware.calibration import apply
            driver.channels = apply(driver.channels, sensor["calibration"],
                                    self.problems)
        pipeline = self._assemble(name, settings, driver, model)
        if self._is_slow(driver):
            pipeline.summary.follow_channels()
        for artefact in ("raw", "features", "scores"):
            if pipeline.account.due(artefact, False):
                pipeline.judged = self._on_window
        self.pipelines[name] = pipeline
        schedule = settings["schedule"] if model is not None else None
        self.samplers[name] = Sampler(pipeline, driver, schedule, self.clock)

    def _assemble(self, name: str, settings: dict, driver, model):
        """The pipeline, without those optional sections that are wrong, each reported."""
        account = Account(settings["placement"])
        try:
            return Pipeline(name, settings, driver, model, account, self.on_change)
        except ValueError:
            plain = dict(settings)
        for section in _OPTIONAL:
            plain[section] = None
        pipeline = Pipeline(name, plain, driver, model, account, self.on_change)
        for section in _OPTIONAL:
            plain[section] = settings[section]
            try:
                pipeline = Pipeline(name, plain, driver, model, account, self.on_change)
            except ValueError as error:
                plain[section] = None
                self.problems.append("pipeline %s: runs without %s: %s" % (name, section, error))
        return pipeline

    def _is_slow(self, driver) -> bool:
        return not driver.parts and (not driver.rate_mhz or driver.rate_mhz < 10_000)

    def _find_driver(self, name: str):
        if name in self._drivers:
            return self._drivers[name]
        return _driver_module(name).make

    def _build_alarm(self, name: str) -> None:
        rule = self.config["alarms"][name]
        pipeline, value = rule["source"].split(".", 1)
        if pipeline not in self.pipelines:
            raise ValueError("not armed: its pipeline %s could not be built" % pipeline)
        try:
            self.alarms[name] = self.pipelines[pipeline].watch(name, rule, value)
        except ValueError as error:
            self.problems.append("alarm %s: %s; its sensor is watched instead" % (name, error))
            self._watch_sensor(name, pipeline)

    def _watch_sensor(self, name: str, pipeline: str) -> None:
        """In place of an alarm that can't be armed: safe limits on the first channel."""
        from tocsin.config.rescue import safe_rule

        channel = self.pipelines[pipeline].values.names[0]
        rule = safe_rule("%s.%s" % (pipeline, channel))
        self.alarms[name] = self.pipelines[pipeline].watch(name, rule, channel)

    async def run(self, terminal=None) -> None:
        """Run for ever. terminal: a `Terminal` for whoever is at the machine, or None."""
        self._report_start()
        self.outputs.start()
        for name in self.samplers:
            sampler = self.samplers[name]
            self.clock.spawn(keep(self, "sampler " + name, sampler.run, sampler=sampler))
        for name in self.pipelines:
            self.clock.spawn(keep(self, "summaries " + name, self._summaries, name))
        shown = [output for output in self.outputs.all if output.driver != "relay"]
        if shown:
            from firmware.patterns import run
            self.clock.spawn(keep(self, "patterns", run, shown, self.clock))
        self.clock.spawn(keep(self, "health", self._report_health))
        if terminal is not None:
            self.clock.spawn(keep(self, "console", terminal.run, self))
        await keep(self, "deadlines", watch, self)

    def close(self) -> None:
        """Before the interpreter ends: no hardware writes to its memory any more."""
        if self._hardware is not None:
            self._hardware.close()

    def keep_state(self) -> None:
        """About once a second: save what a reset must not take away."""
        self.kept.tick(self)

    def _report_start(self) -> None:
        report = self.health.report()
        report["device"] = self.config["device"]["id"]
        report["problems"] = self.problems
        self.records.send("start", None, report, None)
        for problem in self.problems:
            self.log.add(ERROR, problem)
        self.log.add(INFO, "running: %s" % ", ".join(sorted(self.pipelines)))

    async def _summaries(self, name: str) -> None:
        pipeline = self.pipelines[name]
        period_ms = int(self.config["pipelines"][name]["summary_every_s"] * 1000)
        due = self.clock.ticks_ms()
        while True:
            due = self.clock.add(due, period_ms)
            await self.clock.sleep_ms(self.clock.diff(due, self.clock.ticks_ms()))
            record = pipeline.summary.record(pipeline.line)
            state = self.state(pipeline)
            if record and pipeline.account.allows("summaries", state != STATE_NAMES[0]):
                record["state"] = state
                self.records.send("summary", name, record, pipeline.account, "summaries")

    async def _report_health(self) -> None:
        while True:
            await self.clock.sleep_ms(_HEALTH_S * 1000)
            gc.collect()
            self.health.note()
            report = self.health.report()
            report["crashfree_h"] = self.kept.hours_now(self.clock.uptime_s())
            report["unsaved"] = self.kept.failed
            report["bytes"], report["lost"] = {}, {}
            for name in self.pipelines:
                report["bytes"][name] = self.pipelines[name].account.report()
                report["lost"][name] = self.samplers[name].losses()
            self.records.send("health", None, report, None)

    def on_change(self, pipeline, alarm, mask: int) -> None:
        """An alarm changed: outputs first, then the record with its reasons, then the log."""
        switched = self.outputs.update()
        self.kept.changed = True
        self.health.note_stack()
        raised = mask & (WARNING_ON | ALARM_ON)
        reasons = None
        if raised:
            try:
                reasons = pipeline.reasons()
            except (MemoryError, RuntimeError):  # the alarm matters more than its reasons
                self.health.task_failures += 1
        record = alarm.record(mask, reasons)
        record["since_s"] = self.clock.diff(record.pop("time_ms"), record.pop("since_ms")) // 1000
        if raised and pipeline.line is not None:
            record["label"] = pipeline.label()
        record["outputs"] = switched
        account = pipeline.account
        if raised and account.allows("scores", True) and pipeline.model is not None:
            record["scores"] = pipeline.recent_scores()
        if account.allows("alarms", True):
            self.records.send("alarm", pipeline.name, record, account, "alarms")
        self.log.add(WARN if alarm.state else INFO, "%s %s: %s" % (
            alarm.name, ",".join(record["events"]), record["value"]))
        if raised:
            self._send_window(pipeline, True)

    def _on_window(self, pipeline) -> None:
        """A window was judged, and the placement wants something of every one."""
        if pipeline.account.due("scores", False):
            self.records.send("score", pipeline.name, {"score": pipeline.recent_scores()[-1]},
                              pipeline.account, "scores")
        self._send_window(pipeline, False)

    def _send_window(self, pipeline, alarm: bool) -> None:
        account = pipeline.account
        if account.due("features", alarm) and pipeline.model is not None:
            vector = list(pipeline.model.extractor.vector)
            self.records.send("features", pipeline.name, {"vector": vector}, account, "features")
        if account.due("raw", alarm):
            frames = [list(frame) for frame in pipeline.frames()]
            self.records.send("raw", pipeline.name, {"frames": frames}, account, "raw")

    def state(self, pipeline) -> str:
        """The worst state of a pipeline's alarms, in words."""
        worst = 0
        for alarm in pipeline.alarms:
            worst = max(worst, alarm.state)
        return STATE_NAMES[worst]


def _driver_module(name: str):
    return __import__("firmware.drivers." + name, None, None, ("make",))
