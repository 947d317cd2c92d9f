# SPDX-License-Identifier: Apache-2.0
"""A technician's session: every way to type, what is shown, and the Python prompt."""

import gc
import unittest

from console_bench import PATH, Bench
from firmware import console, console_desk
from firmware.clock import Clock
from firmware.console_line import LIMIT, Line
from firmware.terminal import Terminal, running
from test_firmware_app import Scheduler


class TestLooking(unittest.TestCase):
    def test_help_names_every_command(self):
        lines, end = Bench().ask("help")
        self.assertEqual(end, "ok")
        found = [line.split(" ")[0] for line in lines]
        for name in console_desk.names():
            self.assertTrue(name == "help" or name in found, name)
        self.assertEqual(Bench().ask("help ack")[0], ["ack [ALARM]  seen: one alarm or all"])

    def test_status(self):
        lines, _ = Bench(limit_s=125, motor=True).ask("status")
        self.assertEqual(lines[0][:21], "hour  up 0:02:05  boo")
        self.assertEqual(lines[1][:38], "motor  normal  6 windows  score 0.40  ")
        self.assertEqual(lines[2], "room  normal  sensor ok  0 samples lost")
        self.assertEqual(lines[3], "stop  relay  quiet")

    def test_sensors_show_values_with_units(self):
        lines, _ = Bench(limit_s=125, motor=True).ask("sensors")
        self.assertEqual(lines[0].split(), ["channel", "value", "unit", "state", "lost"])
        room = [line for line in lines if line[:5] == "room."][0]
        self.assertEqual(room.split(), ["room.temperature", "4.00", "\u00b0C", "ok", "0"])
        motor = [line for line in lines if line[:6] == "motor."][0]
        self.assertIn(" .. ", motor)

    def test_alarms(self):
        lines, _ = Bench(limit_s=125).ask("alarms")
        row = [line for line in lines if line[:9] == "temp_high"][0]
        self.assertEqual(row.split(), ["temp_high", "normal", "4.0", ">=", "8.0", "4.0", "4.0",
                                       "\u00b0C"])

    def test_alarm_that_stands_shows_since_when(self):
        lines, _ = Bench(limit_s=33 * 60).ask("alarms")
        row = [line for line in lines if line[:9] == "temp_high"][0]
        self.assertEqual(row.split()[1:3], ["alarm", "9.5"])
        self.assertEqual(row.split()[-1][:3], "0:1")

    def test_live_until_a_key(self):
        bench = Bench()
        shown = bench.type("live\r", 5)
        self.assertEqual(len([line for line in shown.split("\r\n") if "temperature" in line]), 5)
        bench.type("x")
        self.assertIn("0 samples lost", bench.type("status\r"))

    def test_live_is_bounded_for_scripts(self):
        lines, end = Bench().ask("live room 2", 5)
        self.assertEqual((len(lines), end), (2, "ok"))
        self.assertIn("room temperature 4.00 \u00b0C", lines[0])
        self.assertIn("write a pipeline (room)", Bench().ask("live cellar")[1])

    def test_log_and_network(self):
        bench = Bench()
        bench.app.log.add("warn", "joined with hunter22")
        self.assertIn("warn joined with ***", "".join(bench.ask("log")[0]))
        self.assertEqual(len(bench.ask("log 1")[0]), 1)
        self.assertIn("1 .. 1000", bench.ask("log x")[1])
        self.assertIn("no network on this board", bench.ask("network")[0])


class TestShow(unittest.TestCase):
    def test_values_have_units(self):
        bench = Bench()
        self.assertEqual(bench.ask("show " + PATH)[0], [PATH + " = 8.0 \u00b0C"])
        lines, _ = bench.ask("show alarms.temp_high")
        self.assertIn("alarms.temp_high.delay_s = 600 s", lines)
        self.assertIn("alarms: temp_high, temp_low", bench.ask("show")[0])
        self.assertIn("known: temp_high, temp_low", bench.ask("show alarms.hot")[1])

    def test_secrets_are_not_shown(self):
        bench = Bench()
        for command in ("show pipelines.room.sensor", "show pipelines.room.sensor.wifi_password",
                        "export config", "set pipelines.room.sensor.wifi_password hunter23",
                        "audit", "log", "export audit", "export records", "export log"):
            text = bench.type("#1 %s\r" % command)
            self.assertNotIn("hunter2", text, command)
        self.assertEqual(bench.saved()["pipelines"]["room"]["sensor"]["wifi_password"],
                         "hunter23")
        kept = b"".join([bench.store.files[name] for name in bench.store.files
                         if name[:6] in ("audit.", "record", "log.tx")])
        self.assertNotIn(b"hunter2", kept)


class TestSampling(unittest.TestCase):
    """Three channels at 3.2 kHz from a chip with a FIFO of 512 samples, read by 128."""

    def test_it_gets_a_turn_between_any_two_lines_and_loses_nothing(self):
        bench = Bench()
        chip = Chip(bench.app.clock)
        bench.app.clock.spawn(chip.follow())
        written = bench.line.write
        turns = []

        async def write(clock, data):
            turns.append(chip.turns)
            bench.scheduler.now_ms += 6   # writing takes its time
            taken = await written(clock, data)
            await clock.sleep_ms(0)   # as Terminal.write does after each piece
            return taken

        bench.line.write = write
        for command in ("help", "status", "sensors", "alarms", "show alarms.temp_high",
                        "export records", "test relay", "live 3", "audit",
                        "set alarms.temp_high.limit 7.5", "calibrate temperature 0.1"):
            turns.clear()
            self.assertEqual(bench.ask(command, 6)[1], "ok", command)
            for i in range(1, len(turns)):
                self.assertGreater(turns[i], turns[i - 1], command)
        self.assertEqual(chip.lost, 0)
        self.assertGreater(chip.taken, 3200 * 60)


class Scarce:
    """`gc` of a board that is short of memory."""

    @staticmethod
    def mem_free():
        return 30_000

    @staticmethod
    def collect():
        gc.collect()


class Chip:
    """Fills its FIFO by the clock; `follow` fetches 128 samples as soon as they are there."""

    def __init__(self, clock):
        self.clock = clock
        self.turns = self.taken = self.lost = 0
        self._start = clock.ticks_ms()

    async def follow(self):
        while True:
            waiting = (self.clock.ticks_ms() - self._start) * 16 // 5 - self.taken - self.lost
            if waiting > 512:
                self.lost += waiting - 512
            if waiting >= 128:
                self.taken += 128
            self.turns += 1
            await self.clock.sleep_ms(5)


class TestTyping(unittest.TestCase):
    def lines(self, data):
        line, found = Line(), []
        for code in data:
            try:
                text = line.take(code)
            except ValueError as error:
                text = "! %s" % error
            if text is not None:
                found.append(text)
        return found, bytes(line.echo)

    def test_ends_of_lines(self):
        self.assertEqual(self.lines(b"a\rb\nc\r\nd\n\re\r")[0], ["a", "b", "c", "d", "", "e"])

    def test_editing(self):
        self.assertEqual(self.lines(b"stax\x7f\x08ats\x00\x01\x07\r"), (["stats"], b"stax\x08 \x08"
                         b"\x08 \x08ats\r\n"))
        self.assertEqual(self.lines("8 \u00b0\x7fC\r".encode())[0], ["8 C"])
        self.assertEqual(self.lines(b"\x7f\x7fab\x15c\r")[0], ["c"])
        self.assertEqual(self.lines(b"a\x1b[A\x1b[1;5Cb\x1bOPc\x1bxd\r")[0], ["abcd"])

    def test_too_long_is_said_once_and_nothing_of_it_is_done(self):
        found, echo = self.lines(b"x" * (LIMIT + 400) + b"\rstatus\r")
        self.assertEqual(len(found), 2)
        self.assertIn("at most 256 bytes", found[0])
        self.assertEqual((found[1], echo.count(b"\x07")), ("status", 1))
        self.assertEqual(self.lines(b"x" * LIMIT + b"\r")[0], ["x" * LIMIT])

    def test_not_utf8(self):
        self.assertIn("not UTF-8", self.lines(b"a\xff\xfe\r")[0][0])

    def test_scripts_are_not_echoed(self):
        self.assertEqual(self.lines(b"#1 status\x7f\r")[1], b"")

    def test_paste_burst_of_two_commands_does_both(self):
        shown = Bench().type("who anna\rwho\r")
        self.assertEqual(shown.count("you are anna"), 2)

    def test_burst_while_a_command_runs_waits_for_its_end(self):
        bench = Bench()
        shown = bench.type("#1 live 2\r" + "x" * 3000 + "\rstatus\r", 5)
        self.assertEqual(shown.count("at most 256 bytes"), 1)
        self.assertIn("samples lost", shown)

    def test_unknown_command_suggests_the_nearest(self):
        bench = Bench()
        self.assertIn("did you mean status?", bench.ask("statsu")[1])
        self.assertIn("did you mean calibrate?", bench.ask("cal t1")[1])
        self.assertIn("help lists", bench.ask("frobnicate")[1])
        self.assertIn("no command ???", bench.ask("\u00e9\u00e9\u00e9")[1])
        self.assertEqual(bench.ask(""), ([], "ok"))
        self.assertEqual(bench.ask("STATUS")[1], "ok")

    def test_log_lines_come_between(self):
        bench = Bench()
        bench.type("sta")
        bench.app.log.add("warn", "bearing alarm: 2.5")
        shown = bench.type("")
        self.assertIn("warn bearing alarm: 2.5\r\n> sta", shown)
        self.assertIn("samples lost", bench.type("tus\r"))

    def test_modules_are_dropped_where_memory_is_short(self):
        import sys

        bench = Bench()
        bench.ask("who")
        at_work = sys.modules["firmware.console_desk"]
        at_work.Desk(bench.app).drop()
        bench.ask("show alarms")
        session = sys.modules["firmware.console_session"]
        at_work.gc = session.gc = Scarce()
        try:
            self.assertEqual(bench.ask("status")[1], "ok")
            self.assertIn("firmware.console_look", sys.modules)
            self.assertNotIn("firmware.console_show", sys.modules)
            self.assertNotIn("tocsin.config.schema", sys.modules)
            self.assertEqual(bench.ask("set alarms.temp_high.limit 7.5")[1], "ok")
            self.assertNotIn("firmware.console_look", sys.modules)
            self.assertEqual(bench.ask("show alarms.temp_high.limit")[0],
                             ["alarms.temp_high.limit = 7.5 \u00b0C"])
            self.assertEqual(bench.ask("audit")[0][-1][:20], "2 entries, unbroken;")
        finally:
            at_work.gc = session.gc = gc

    def test_what_is_typed_is_loaded_before_its_line_ends(self):
        import sys

        bench = Bench()
        bench.type("who\r")
        sys.modules["firmware.console_desk"].Desk(bench.app).drop()
        bench.type("#1 show alarms")
        self.assertIn("firmware.console_show", sys.modules)
        self.assertIn("tocsin.config.edit", sys.modules)

    def test_no_memory_for_the_console_is_one_line(self):
        bench = Bench()
        original, calls = gc.collect, []

        class NoMemory:
            @staticmethod
            def collect():
                calls.append(1)
                original()

        import firmware.terminal as terminal

        def fail(name):
            raise MemoryError()

        terminal.gc, terminal.__dict__["__import__"] = NoMemory, fail
        try:
            shown = bench.type("status\r")
        finally:
            terminal.gc = gc
            del terminal.__dict__["__import__"]
        self.assertEqual(shown, "\r\ntoo little memory for the console now\r\n")
        self.assertIn("samples lost", bench.type("status\r"))

    def test_a_command_that_fails_does_not_end_the_session(self):
        bench = Bench()
        del bench.app.outputs.all
        self.assertIn("AttributeError", bench.ask("status")[1])
        self.assertEqual(bench.ask("who")[1], "ok")

    def test_ctrl_c_reaches_the_program(self):
        with self.assertRaises(KeyboardInterrupt):
            Bench().type("\x03")

    def test_silence_closes_the_session_and_gives_its_memory_back(self):
        import sys

        bench = Bench()
        bench.type("status\r")
        self.assertIn("firmware.console_look", sys.modules)
        self.assertIn("console closed", bench.type("", 700))
        self.assertNotIn("firmware.console_look", sys.modules)
        self.assertNotIn("tocsin.config.schema", sys.modules)
        self.assertIn("samples lost", bench.type("status\r"))


class TestPrompt(unittest.TestCase):
    def test_functions_at_the_python_prompt(self):
        bench = Bench()
        bench.type("who\r")
        self.assertIs(running[0], bench.app)
        console.set(PATH, 7.5)
        self.assertEqual(bench.saved()["alarms"]["temp_high"]["limit"], 7.5)
        self.assertEqual(list(bench.app.audit.entries())[-1]["who"], "repl")
        console.status()
        with self.assertRaises(AttributeError):
            console.frobnicate  # noqa: B018


class Poll:
    def __init__(self):
        self.stream = None

    def register(self, stream, events):
        self.stream, self.events = stream, events

    def ipoll(self, timeout):
        return [1] if self.stream.ready(self.events) else []


class Stream:
    def __init__(self, data=b"", room=1 << 20):
        self.data, self.room, self.out = data, room, b""

    def ready(self, events):
        return len(self.data) > 0 if events == 1 else len(self.out) < self.room

    def read(self, count):
        one, self.data = self.data[:count], self.data[count:]
        return one

    def write(self, data):
        self.out += bytes(data)


class TestTerminal(unittest.TestCase):
    def test_nobody_who_reads_does_not_hold_up_the_board(self):
        scheduler, out = Scheduler(), Stream(room=100)
        clock = Clock(scheduler, scheduler, 1)
        terminal, done = Terminal(Stream(), out, Poll), []

        async def write():
            done.append(await terminal.write(clock, b"x" * 500))

        scheduler.create_task(write())
        try:
            scheduler.run(10_000)
        except ValueError:   # the only task has ended
            pass
        self.assertEqual((done, len(out.out)), ([False], 128))

    def test_reads_what_is_there(self):
        terminal = Terminal(Stream(b"y" * 100), Stream(), Poll)
        self.assertEqual((len(terminal.read()), len(terminal.read()), terminal.read()),
                         (64, 36, b""))


if __name__ == "__main__":
    unittest.main()
