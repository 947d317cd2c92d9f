# SPDX-License-Identifier: Apache-2.0
"""Composition root: builds log, records, sensors, pipelines, alarms and outputs of an app.

Dropped when all is built; nothing that stays refers to it.
"""

import gc

from firmware import config as configuration
from firmware.app import driver_module
from firmware.health import Account, Health
from firmware.log import Log
from firmware.outputs import Outputs
from firmware.pipeline import Pipeline
from firmware.records import FileSink, Records
from firmware.sampling import Sampler
from firmware.state import State
from tocsin import kernels

_OPTIONAL = ("cold_chain", "vibration", "run_gate")


class Composer:
    """Builds the parts of `app`, an `App` with its clock, store and machine."""

    def __init__(self, app):
        self._app = app
        self._problems = app.problems

    def build(self, sink, echo) -> None:
        """Build everything, and put back what was saved before the reset."""
        app = self._app
        app.log = Log(app.clock, app.store, echo=echo)
        app.config, problems = configuration.load(app.store)
        app.problems.extend(problems)
        self._step()
        app.health = Health(gc, app.boot)
        app.records = Records(app.clock, sink or self._file_sink())
        if len(kernels.CANDIDATES) > 1:
            from firmware.backend import settle
            settle(app.store, app.clock, app.log)
        for name in app.config["pipelines"]:
            self._guarded("pipeline " + name, app.prepare, name, self._build_pipeline)
        for name in app.config["alarms"]:
            self._guarded("alarm " + name, self._build_alarm, name)
        app.outputs = Outputs(app.config["outputs"], app.alarms, self._make_pin)
        app.kept = State(app.store)
        self._problems.extend(app.kept.restore(app))

    def _step(self) -> None:
        """One step of building is done; the watchdog need not wait for the others."""
        if self._app.watchdog is not None:
            self._app.watchdog.step()

    def _file_sink(self):
        for settings in self._app.config["sinks"]:
            if settings.get("driver") == "file":
                return FileSink(self._app.store, settings.get("max_bytes", 65536),
                                settings.get("files", 2))
        return FileSink(self._app.store)

    def _make_pin(self, number: int):
        """An output pin at 0, as a callable; None for one that the board does not have."""
        pin = self._app.machine.Pin
        try:
            return pin(number, pin.OUT, value=0).value
        except (ValueError, TypeError) as error:
            self._problems.append("pin %d: %s" % (number, error))
            return None

    def _guarded(self, what: str, build, *arguments) -> None:
        """Build one piece; what can't be built is reported and the rest goes on without it."""
        try:
            build(*arguments)
        except Exception as error:  # whatever a driver raises, the others go on
            self._problems.append("%s: %r" % (what, error))
        self._step()

    def _build_pipeline(self, name: str) -> None:
        app = self._app
        settings = app.config["pipelines"][name]
        sensor = settings["sensor"]
        make = app.driver(sensor["driver"])
        if app.hardware is None and sensor["driver"] != "replay":  # which needs no bus
            from firmware.buses import Hardware

            app.hardware = Hardware(app.machine, app.store)
            app.hardware.driver = driver_module
        driver = make(sensor, app.clock, app.store, app.hardware)
        model = None
        if settings["model"] is not None:
            try:
                from firmware.loader import load
                model = load(self._app.store, settings["model"], driver)
                if model.note:
                    self._problems.append("pipeline %s: %s" % (name, model.note))
            except Exception as error:  # the bundle is foreign data
                self._problems.append("pipeline %s: model refused: %s" % (name, error))
        if sensor.get("calibration"):
            from firmware.calibration import apply
            driver.channels = apply(driver.channels, sensor["calibration"],
                                    self._problems)
        pipeline = self._assemble(name, settings, driver, model)
        if not driver.parts and (not driver.rate_mhz or driver.rate_mhz < 10_000):
            pipeline.summary.follow_channels()
        for artefact in ("raw", "features", "scores"):
            if pipeline.account.due(artefact, False):
                pipeline.judged = app.on_window
        app.pipelines[name] = pipeline
        schedule = None
        if model is not None:
            model.conf = model.feature_names = None
            schedule = settings["schedule"]
        app.samplers[name] = Sampler(pipeline, driver, schedule, app.clock)

    def _assemble(self, name: str, settings: dict, driver, model):
        """The pipeline, without those optional sections that are wrong, each reported."""
        account = Account(settings["placement"])
        try:
            return Pipeline(name, settings, driver, model, account, self._app.on_change)
        except ValueError:
            plain = dict(settings)
        for section in _OPTIONAL:
            plain[section] = None
        pipeline = Pipeline(name, plain, driver, model, account, self._app.on_change)
        for section in _OPTIONAL:
            plain[section] = settings[section]
            try:
                pipeline = Pipeline(name, plain, driver, model, account, self._app.on_change)
            except ValueError as error:
                plain[section] = None
                self._problems.append("pipeline %s: runs without %s: %s" % (name, section, error))
        return pipeline

    def _build_alarm(self, name: str) -> None:
        rule = self._app.config["alarms"][name]
        pipeline, value = rule["source"].split(".", 1)
        if pipeline not in self._app.pipelines:
            raise ValueError("not armed: its pipeline %s could not be built" % pipeline)
        try:
            self._app.alarms[name] = self._app.pipelines[pipeline].watch(name, rule, value)
        except ValueError as error:
            self._problems.append("alarm %s: %s; its sensor is watched instead" % (name, error))
            self._watch_sensor(name, pipeline)

    def _watch_sensor(self, name: str, pipeline: str) -> None:
        """In place of an alarm that can't be armed: safe limits on the first channel."""
        from tocsin.config.rescue import safe_rule

        channel = self._app.pipelines[pipeline].values.names[0]
        rule = safe_rule("%s.%s" % (pipeline, channel))
        self._app.alarms[name] = self._app.pipelines[pipeline].watch(name, rule, channel)
