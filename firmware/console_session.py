# SPDX-License-Identifier: Apache-2.0
"""Somebody at the serial line: prompt, echo, answers, and log lines in between.

A line "#TAG COMMAND" is a script's: it is not echoed, each line of its answer begins with "#TAG ",
and the last one is "#TAG ok" or "#TAG error: REASON".
"""

import gc

from firmware.console_desk import Desk, answer
from firmware.console_line import Line
from firmware.log import ERROR, WARN

_LOOK_MS = 20
_GIVE_UP_MS = 600_000
_WAITING = 448
_NOTES = 16
_PROMPT = "> "
_CTRL_C = 3
_STOPPABLE = "live"
_AMPLE = 98304
_BEHIND = 3
_NO_MEMORY = "too little memory for this now (%d KB free); type it again in a moment"


class Session:
    """One person or script, until nothing was typed for ten minutes."""

    def __init__(self, app, terminal):
        self._app = app
        self._clock = app.clock
        self._terminal = terminal
        self._desk = Desk(app)
        self._line = Line()
        self._typed = b""
        self._notes = []
        self._prompted = True
        self._looked_at = None

    async def run(self) -> None:
        """Answer until the line falls silent."""
        log = self._app.log
        echo, log.echo = log.echo, self._note
        idle = 0
        try:
            await self._say("tocsin %s; help lists the commands\r\n%s" % (
                self._app.config["device"]["id"], _PROMPT))
            while idle < _GIVE_UP_MS:
                self._collect()
                idle = 0 if self._typed else idle + _LOOK_MS
                if self._typed:
                    await self._take()
                else:
                    if self._notes:
                        await self._show_notes()
                    self._use_the_pause()
                    await self._clock.sleep_ms(_LOOK_MS)
            await self._say("\r\nnobody there: console closed\r\n")
        finally:
            log.echo = echo
            self._desk.finish()
            self._desk.drop()

    def _use_the_pause(self) -> None:
        """While nobody waits: finish what was put off, load what is being typed, or what changes
        need where there is ample memory."""
        desk = self._desk
        try:
            if desk.catch_up():
                return
            text = bytes(self._line.text)
            if text == self._looked_at:
                return
            name, alone = _command(text)
            if not name and (not hasattr(gc, "mem_free") or gc.mem_free() >= _AMPLE):
                name = "set"
            if not desk.fetch(name, alone):
                self._looked_at = text
        except MemoryError:   # a command that is typed will say so
            desk.drop()
            if desk.waiting:
                desk.waiting.pop(0)
                self._app.log.add(WARN, "console: no memory to keep or send a change made")

    def _note(self, line: str) -> None:
        """A line of the log, to be shown when there is time."""
        if len(self._notes) < _NOTES:
            self._notes.append(line)

    def _collect(self) -> None:
        """Take what was typed, as far as there is room; USB holds the rest back."""
        while len(self._typed) < _WAITING:
            more = self._terminal.read()
            if not more:
                return
            if _CTRL_C in more:
                raise KeyboardInterrupt
            self._typed += more

    async def _take(self) -> None:
        """Work through the bytes that were typed, up to the end of a line."""
        typed = self._typed
        for i in range(len(typed)):
            try:
                line, wrong = self._line.take(typed[i]), None
            except ValueError as error:
                line, wrong = "", error
            if line is None:
                continue
            self._typed = typed[i + 1:]
            self._looked_at = None
            await self._flush()
            if wrong is not None:
                await self._say("error: %s\r\n" % wrong)
            await self._execute(line)
            return
        self._typed = b""
        await self._flush()

    async def _flush(self) -> None:
        echo, self._line.echo = bytes(self._line.echo), bytearray()
        await self._terminal.write(self._clock, echo)

    async def _say(self, text: str) -> bool:
        return await self._terminal.write(self._clock, text.encode())

    async def _show_notes(self) -> None:
        """Log lines, above the line that is being typed."""
        notes, self._notes = self._notes, []
        for note in notes:
            await self._say("\r\x1b[K" + note + "\r\n")
        if self._line.text[:1] != b"#":
            self._prompted = True   # a script's answer begins a line of its own
            await self._terminal.write(self._clock, _PROMPT.encode() + bytes(self._line.text))

    async def _execute(self, line: str) -> None:
        tag = ""
        if line[:1] == "#":
            tag = line.split(" ", 1)[0] + " "
            line = line[len(tag):]
            if self._prompted:
                self._prompted = False
                await self._say("\r\n")
        end = "ok"
        while len(self._desk.waiting) > _BEHIND and self._desk.catch_up():
            await self._clock.sleep_ms(0)
        steps = answer(self._desk, line)
        try:
            stoppable = not tag and line.strip().lower()[:4] == _STOPPABLE
            await self._follow(steps, tag, stoppable)
        except ValueError as error:
            end = "error: %s" % error
        except MemoryError:
            self._desk.drop()
            end = "error: " + _NO_MEMORY % _free_kb()
        except Exception as error:  # a command that fails must not end the console
            end = "error: %s: %s; please report it" % (type(error).__name__, error)
            self._app.log.add(ERROR, "console: %s" % end)
        finally:
            steps.close()
        if tag:
            await self._say("%s%s\r\n" % (tag, end))
        else:
            self._prompted = True
            await self._say((end + "\r\n" if end != "ok" else "") + _PROMPT)

    async def _follow(self, steps, tag: str, stoppable: bool) -> None:
        """Show a command's lines; a key stops those that would go on for ever."""
        for step in steps:
            if isinstance(step, str):
                if not await self._say(tag + step + "\r\n"):
                    return
            self._collect()
            wait = step if isinstance(step, int) else 0
            while wait > 0 and not (stoppable and self._typed):
                pause = min(wait, _LOOK_MS)
                await self._clock.sleep_ms(pause)
                self._collect()
                wait -= pause
            if stoppable and self._typed:
                self._typed = b""
                return
            await self._clock.sleep_ms(0)


def _command(text: bytes) -> tuple:
    """(the command on a line that is being typed, whether nothing follows it yet)."""
    words = text.split()
    if words and words[0][:1] == b"#":
        words.pop(0)
    try:
        return (words[0].decode().lower(), len(words) < 2) if words else ("", False)
    except UnicodeError:
        return "", False


def _free_kb() -> int:
    return gc.mem_free() // 1024 if hasattr(gc, "mem_free") else 0
