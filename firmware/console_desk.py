# SPDX-License-Identifier: Apache-2.0
"""Which command is where, and what commands work with.

A command is a generator `do_NAME(desk, words, rest)`: a str is a line to show, None a moment for
the other tasks, an int a pause in ms. It raises ValueError with one line that says what to do.
Modules are loaded for the command that needs them, while its line is still being typed: each
takes a Pico some 25 ms. Where memory is short, those of the command before go first.
"""

import gc
import sys

from firmware.forget import forget

_TEXT = ("firmware.console_text",)
_VALUES = _TEXT + ("firmware.console_units",)
_SAVED = ("firmware.config", "firmware.saved")
_LOG = _SAVED + ("tocsin.link.chain", "firmware.audit", "firmware.changes")
_CHECKER = ("tocsin.config.numbers", "tocsin.config.secret", "tocsin.config.schema",
            "tocsin.config.defaults", "tocsin.config.edit")
_RETUNE = ("tocsin.monitor.limits", "tocsin.monitor.retune")
_HIDE = ("tocsin.config.secret", "tocsin.config.redaction")
HOMES = (
    (("status", "sensors", "live"), "firmware.console_look", _TEXT),
    (("alarms",), "firmware.console_look", _VALUES),
    (("network",), "firmware.console_network", _TEXT),
    (("show",), "firmware.console_show", _SAVED + _VALUES + _CHECKER),
    (("log", "export"), "firmware.console_files", _HIDE),
    (("audit",), "firmware.console_files", _HIDE + _TEXT + _LOG),
    (("ack", "release", "reset", "reboot", "test"), "firmware.console_act",
     ("firmware.operator",) + _LOG),
    (("set",), "firmware.console_set", _LOG + _VALUES + _CHECKER + (
        "tocsin.config.rules",) + _RETUNE),
    (("calibrate",), "firmware.console_calibrate", _LOG + _TEXT + (
        "tocsin.config.numbers",) + _RETUNE),
    (("learn",), "firmware.learn", _SAVED),
    (("push",), "firmware.console_push", _LOG + _HIDE + ("tocsin.config.schema",)),
    (("help",), "firmware.console_help", ()),
    (("who",), "firmware.console_desk", ()))
"""Commands, the module they are in, and what else it needs."""
_LIGHT = ("show", "learn")
"""Alone on their line they need only what is saved."""
_KEPT = _SAVED + ("firmware.console_desk", "tocsin.link.chain", "firmware.audit")
_CHANGING = ("ack", "release", "reset", "reboot", "test", "set", "calibrate", "push")
_PLENTY = 65536


class CommandError(ValueError):
    """A command that can't be done; one line that says what to do."""


class Desk:
    """What commands work with: app, who (is typing), pushed (a file that is being received),
    waiting (generators of what is put off until nobody waits for an answer)."""

    def __init__(self, app, who: str = "usb"):
        self.app = app
        self.who = who
        self.pushed = None
        self.waiting = []

    @property
    def audit(self):
        """The audit log, opened when first needed."""
        if self.app.audit is None:
            from firmware.changes import open_audit

            open_audit(self.app)
        return self.app.audit

    def note(self, what: str, path: str, old=None, new=None) -> None:
        """Write down what is done. Raises CommandError when that is impossible."""
        if not self.audit.append(self.who, what, path, old, new):
            raise CommandError("the audit log can't be written (flash full?); not done")
        self.put_off(self._settle())

    def _settle(self):
        self.audit.settle()
        yield None

    def put_off(self, steps) -> None:
        """Do the rest of a command when there is time."""
        self.waiting.append(steps)

    def tell(self, pipeline, alarm, mask: int) -> None:
        """An alarm was acknowledged or reset: outputs follow now, record and log after the answer.
        """
        self.app.outputs.update()
        self.put_off(self._tell(pipeline, alarm, mask))

    def _tell(self, pipeline, alarm, mask):
        log = self.app.log
        log.hold()
        try:
            self.app.on_change(pipeline, alarm, mask)
        finally:
            lines = log.let_go()
        yield None
        log.write(lines)
        yield None

    def catch_up(self) -> bool:
        """One step of what was put off; False when nothing is left."""
        while self.waiting:
            for _ in self.waiting[0]:
                return True
            self.waiting.pop(0)
        return False

    def finish(self) -> None:
        """All of it, now."""
        while self.catch_up():
            pass

    def fetch(self, name: str, alone: bool = False) -> bool:
        """Load one more module for a command, or open the audit log; False when all is there.

        alone: nothing follows the command's name. Raises MemoryError.
        """
        for commands, home, needed in HOMES:
            if name not in commands:
                continue
            modules = (_SAVED if alone and name in _LIGHT else needed) + (home,)
            for module in modules:
                if module not in sys.modules:
                    self._make_room(modules)
                    load(module)
                    return True
            if name in _CHANGING and self.app.audit is None:
                return self.audit is not None
        return False

    def _make_room(self, needed: tuple) -> None:
        """Where memory is short, drop what other commands needed."""
        if hasattr(gc, "mem_free") and gc.mem_free() < _PLENTY:
            gc.collect()
            if gc.mem_free() < _PLENTY:
                self.drop(needed)

    def drop(self, needed: tuple = ()) -> None:
        """Drop every command's modules but those needed, and what is still at work."""
        learns = any(hasattr(each.judged, "progress") for each in self.app.pipelines.values())
        for _, home, others in HOMES:
            for module in others + (home,):
                if module not in needed and module not in _KEPT and module in sys.modules:
                    if module != "firmware.learn" or not learns:
                        forget(module)
        gc.collect()


def load(module: str):
    """Import a module; one that could not be loaded leaves nothing behind."""
    try:
        return __import__(module, None, None, ("",))
    except MemoryError:
        forget(module)
        raise


def names() -> list:
    """Every command."""
    found = []
    for commands, _, _ in HOMES:
        found.extend(commands)
    return found


def answer(desk, line: str):
    """Generator: the answer to one typed line."""
    words = line.split()
    if not words:
        return
    name = words[0].lower()
    for commands, home, _ in HOMES:
        if name in commands:
            while desk.fetch(name, len(words) == 1):
                yield None
            rest = line[line.find(words[0]) + len(words[0]):].strip()
            yield from getattr(load(home), "do_" + name)(desk, words[1:], rest)
            return
    from firmware.console_help import nearest

    raise CommandError("no command %s; %s" % (printable(words[0]), nearest(name, names())))


def do_who(desk, words, rest):
    """A name for the audit log."""
    if words:
        if not words[0].isalpha() or len(words[0]) > 32:
            raise CommandError("a name of letters, such as anna")
        desk.who = words[0].lower()
    yield "you are " + desk.who


def printable(text: str) -> str:
    """At most 24 characters of what was typed, fit for a line."""
    return "".join([c if " " <= c < "\x7f" else "?" for c in text[:24]])
