# SPDX-License-Identifier: Apache-2.0
"""What a reset must not take away: alarms and their times, tripped latches, learnt baselines.

/state.a and /state.b are written in turn, each with its generation and CRC, each replaced as a
whole; the newest sound one counts. An alarm that changed is saved within a second, four times in
15 minutes at most; times that merely grow are saved every 15 minutes.
"""

import binascii
import json

from tocsin.monitor.kept import keep, restore

_FILES = ("state.a", "state.b")
_LIMIT = 16384
_EVERY_S = 900
_AT_ONCE = 4


class State:
    """Saves and restores the state of an app. store: a `Store`.

    Attributes: changed (to be saved soon), generation (of the newest file), failed (saves),
    hours (of running without a crash, all boots together, as saved).
    """

    def __init__(self, store):
        self._store = store
        self.changed = False
        self.generation = self.failed = 0
        self._body = {}
        for name in _FILES:
            self._read(name)
        self._crc = 0
        self._due_s = _EVERY_S
        self._left = _AT_ONCE
        hours = self._body.get("hours")
        self.hours = hours if type(hours) is int else 0

    def _read(self, name: str) -> None:
        data = self._store.read(name, _LIMIT)
        try:
            if data is None or int(data[:8], 16) != binascii.crc32(data[9:]) & 0xFFFFFFFF:
                return
            generation, body = json.loads(data[9:])
            if generation > self.generation and isinstance(body, dict):
                self.generation, self._body = generation, body
        except (ValueError, TypeError):
            pass

    def restore(self, app) -> list:
        """Put what was saved back into a newly built app; returns what could not be, as lines.

        What belongs to another rule, model or section is left out.
        """
        problems = []
        now = app.clock.ticks_ms()
        kept = self._part("alarms")
        for name in app.alarms:
            if name in kept:
                _try(problems, name, restore, app.alarms[name], kept[name], now)
        kept = self._part("drift")
        for name in app.pipelines:
            machine = app.pipelines[name].machine
            if machine is not None and name in kept:
                _try(problems, name, machine.restore, kept[name])
        for output in app.outputs.all:
            output.restore(self._body.get("tripped", ()))
        return problems

    def _part(self, name: str) -> dict:
        part = self._body.get(name)
        return part if isinstance(part, dict) else {}

    def hours_now(self, uptime_s: int) -> int:
        """Whole hours without a crash; an hour that a reset cut short does not count."""
        return self.hours + uptime_s // 3600

    def tick(self, app) -> None:
        """About once a second: save what is due."""
        uptime_s = app.clock.uptime_s()
        if uptime_s >= self._due_s:
            self._due_s = uptime_s + _EVERY_S
            self._left = _AT_ONCE
        elif self.changed and self._left:
            self._left -= 1
        else:
            return
        self.save(app)

    def save(self, app) -> None:
        """Save now, unless nothing differs from what was saved last."""
        self.changed = False
        body = {"hours": self.hours_now(app.clock.uptime_s()), "alarms": {}, "drift": {},
                "tripped": app.outputs.latched()}
        for name in app.config["alarms"]:
            kept = keep(app.alarms[name]) if name in app.alarms else \
                self._part("alarms").get(name)
            if kept is not None:
                body["alarms"][name] = kept
        for name in app.config["pipelines"]:
            machine = app.pipelines[name].machine if name in app.pipelines else None
            kept = self._part("drift").get(name) if machine is None else machine.keep()
            if kept is not None:
                body["drift"][name] = kept
        text = json.dumps(body)
        crc = binascii.crc32(text.encode())
        if crc == self._crc:
            return
        generation = self.generation + 1
        text = "[%d,%s]" % (generation, text)
        text = "%08x %s" % (binascii.crc32(text.encode()) & 0xFFFFFFFF, text)
        if len(text) > _LIMIT or not self._store.replace(_FILES[generation & 1], text.encode()):
            self.failed += 1
            return
        self.generation, self._crc = generation, crc


def _try(problems: list, name: str, function, *arguments) -> None:
    try:
        function(*arguments)
    except (ValueError, TypeError, IndexError) as error:
        problems.append("%s: saved state not used: %s" % (name, error))
