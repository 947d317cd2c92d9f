# SPDX-License-Identifier: Apache-2.0
"""The running app: starts the tasks, turns what happens into records, outputs and log lines."""

import gc

from firmware.forget import forget
from firmware.log import ERROR, INFO, WARN
from firmware.supervisor import keep, watch
from tocsin.monitor.alarm import ALARM_ON, STATE_NAMES, WARNING_ON

_HEALTH_S = 3600
_BUILDERS = ("firmware.compose", "firmware.config", "firmware.loader", "firmware.units",
             "firmware.backend", "tocsin.config.rescue", "tocsin.models.file",
             "tocsin.models.bundle", "tocsin.models.selftest", "tocsin.dsp.table",
             "tocsin.dsp.windows", "tocsin.kernels", "tocsin.kernels.plan",
             "tocsin.monitor.limits")
"""Modules that a running board needs no more: 18 to 20 KB."""


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
        self.machine = machine
        self.audit = None
        self.hardware = None
        self._drivers = drivers or {}
        self.boot = boot
        self.watchdog = watchdog
        self.problems = []
        self.pipelines = {}
        self.samplers = {}
        self.watched = self.samplers
        self.alarms = {}
        self._build(sink, echo)
        for name in _BUILDERS:
            forget(name, True)
        gc.collect()
        self.health.note()

    def _build(self, sink, echo) -> None:
        from firmware.compose import Composer

        Composer(self).build(sink, echo)

    def driver(self, name: str):
        """The module-level `make` of a sensor driver. Raises ImportError."""
        return self._drivers.get(name) or driver_module(name).make

    def prepare(self, name: str, build) -> None:
        """Build pipeline `name`."""
        build(name)

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
        """Nobody watches from now on: fail-safe relays trip, no hardware writes to memory."""
        for output in self.outputs.all:
            output.stop()
        if self.hardware is not None:
            self.hardware.close()

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
        try:
            self._tell(pipeline, alarm, mask, switched, raised)
        except (MemoryError, RuntimeError):  # the alarm matters more than what belongs to it
            self.health.task_failures += 1
            gc.collect()
            self._tell(pipeline, alarm, mask, switched, 0)
        if raised:
            self._send_window(pipeline, True)

    def _tell(self, pipeline, alarm, mask: int, switched: list, raised: int) -> None:
        record = alarm.record(mask, pipeline.reasons() if raised else None)
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

    def on_window(self, pipeline) -> None:
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


def driver_module(name: str):
    """Module of a sensor driver."""
    return __import__("firmware.drivers." + name, None, None, ("make",))
