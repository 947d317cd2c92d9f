# SPDX-License-Identifier: Apache-2.0
"""Commands that change something: what they refuse, what they leave behind, after a cut too."""

import binascii
import hashlib
import json
import unittest
from array import array

from console_bench import PATH, Bench
from firmware import learn, saved
from firmware.audit import digest
from firmware.console_desk import Desk, answer
from test_firmware_app import Pin, configuration


def put_off(desk):
    """Generator: the steps that were put off."""
    while desk.catch_up():
        yield None


class TestSet(unittest.TestCase):
    def test_a_limit_is_saved_logged_and_in_force(self):
        bench = Bench()
        self.assertEqual(bench.ask("set %s 3.5" % PATH)[0],
                         [PATH + ": 8.0 \u00b0C -> 3.5 \u00b0C, in force now"])
        self.assertEqual(bench.saved()["alarms"]["temp_high"]["limit"], 3.5)
        self.assertNotIn("dead_band", bench.saved()["alarms"]["temp_low"])
        bench.scheduler.run(20 * 60 * 1000)
        self.assertEqual(bench.app.alarms["temp_high"].state, 2)
        self.assertEqual(Pin.levels[15], 0)
        entry = list(bench.app.audit.entries())[-1]
        self.assertEqual((entry["who"], entry["what"], entry["path"], entry["old"], entry["new"]),
                         ("usb", "set", PATH, 8.0, 3.5))
        self.assertEqual(entry["config"], digest(bench.store.files["config.json"]))
        self.assertIn(b'"kind":"audit"', bench.store.files["records.jsonl"])

    def test_it_survives_a_reset(self):
        bench = Bench()
        bench.ask("set %s 7.25" % PATH)
        bench.start()
        self.assertEqual(bench.app.problems, [])
        self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 7.25)
        self.assertIsNone(bench.app.audit)

    def test_excursion_under_way_goes_on_or_ends_by_the_new_limit(self):
        bench = Bench(limit_s=33 * 60)
        self.assertEqual(bench.app.alarms["temp_high"].state, 2)
        since = bench.app.alarms["temp_high"].excursion().since_ms
        bench.ask("set %s 9.0" % PATH)
        self.assertEqual(bench.app.alarms["temp_high"].state, 2)
        self.assertEqual(bench.app.alarms["temp_high"].excursion().since_ms, since)
        bench.ask("set %s 12" % PATH)
        bench.scheduler.run(35 * 60 * 1000)
        self.assertEqual(bench.app.alarms["temp_high"].state, 0)

    def test_what_cannot_change_at_once_says_so(self):
        bench = Bench()
        lines, _ = bench.ask("set pipelines.room.summary_every_s 60")
        self.assertIn("in force after a reset", lines[0])
        lines, _ = bench.ask("show pipelines.room.summary_every_s")
        self.assertEqual(lines, ["pipelines.room.summary_every_s = 60 s  (after a reset)"])
        self.assertEqual(bench.app.config["pipelines"]["room"]["summary_every_s"], 1800)

    def test_a_second_change_keeps_the_first(self):
        bench = Bench()
        bench.ask("set %s 7.5" % PATH)
        bench.ask("set alarms.temp_high.delay_s 30")
        rule = bench.saved()["alarms"]["temp_high"]
        self.assertEqual((rule["limit"], rule["delay_s"]), (7.5, 30))
        self.assertEqual(bench.app.alarms["temp_high"]._limit._delay_ms, 30000)

    def test_bad_input_is_refused_in_one_line_and_changes_nothing(self):
        bench = Bench()
        before = bench.store.files["config.json"]
        for text, word in (("nan", "finite"), ("inf", "finite"), ("-inf", "finite"),
                           ("1_000", "underscores"), ("8,0", "decimal point"),
                           ("46 \u00b0F", "convert"), ("46F", "convert"), ("1.5", "low is not"),
                           ('"8.0"', "digits"), ("'8'", "digits"), ("8.0; reset", "only a number"),
                           ("8 9", "only a number"), ("1e999", "too large"), ("", "a path and"),
                           ("\u0663", "digits"), ("0x10", "only a number"), ("1e9", "reach")):
            lines, end = bench.ask("set %s %s" % (PATH, text))
            self.assertEqual((lines, end[:7]), ([], "error: "), text)
            self.assertIn(word, end, text)
        self.assertEqual(bench.ask("set device.site \"Hall")[1][:7], "error: ")
        self.assertEqual(bench.store.files["config.json"], before)
        self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 8.0)
        self.assertEqual(bench.ask('set device.site "Hall 2"')[1], "ok")
        self.assertEqual(bench.saved()["device"]["site"], "Hall 2")

    def test_flash_that_takes_nothing_changes_nothing(self):
        for name in ("audit.log", "config.json"):
            bench = Bench()
            bench.store.fail = (name,)
            self.assertIn("nothing changed", bench.ask("set %s 7.5" % PATH)[1])
            self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 8.0)
            self.assertEqual(bench.saved()["alarms"]["temp_high"]["limit"], 8.0)
            bench.store.fail = ()
            self.assertEqual(bench.ask("set %s 7.5" % PATH)[1], "ok")
            self.assertIn("unbroken", list(bench.app.audit.verify())[-1])

    def test_broken_configuration_is_not_built_upon(self):
        bench = Bench()
        bench.store.files["config.json"] = b'{"version": 1'
        self.assertIn("not a configuration", bench.ask("set %s 7.5" % PATH)[1])
        self.assertEqual(bench.store.files["config.json"], b'{"version": 1')

    def test_ctrl_c_at_each_write_leaves_old_or_new(self):
        limits = []
        for cut in range(8):
            bench = Bench()
            bench.ask("audit")
            bench.store.broken = cut
            try:
                bench.ask("set %s 7.5" % PATH)
            except KeyboardInterrupt:
                pass
            bench.store.broken = -1
            limits.append(bench.saved()["alarms"]["temp_high"]["limit"])
            bench.start()
            self.assertEqual(bench.app.problems, [])
            self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], limits[-1])
            bench.line.typed = b""
            lines, _ = bench.ask("audit")
            self.assertIn("unbroken", lines[-1])
            newest = list(bench.app.audit.entries())[-1]
            self.assertEqual(newest["config"], digest(bench.store.files["config.json"]))
        self.assertEqual((limits[0], limits[-1]), (8.0, 7.5))


    def test_ctrl_c_typed_between_the_writes_leaves_what_the_log_says(self):
        for keys in range(1, 12):
            bench = Bench()
            bench.ask("audit")
            try:
                bench.line.typed = b"#1 set alarms.temp_high.limit 7.5\r"
                bench.line.interrupted = keys
                bench.scheduler.run(bench.scheduler.now_ms + 3000)
            except KeyboardInterrupt:
                pass
            bench.line.interrupted = 0
            audit = bench.app.audit
            self.assertEqual(audit.config, digest(bench.store.files["config.json"]), keys)
            self.assertIn("unbroken", list(audit.verify())[-1])
            self.assertFalse(audit.busy)
            bench.start()
            self.assertEqual(bench.app.problems, [])

    def test_unplugged_while_it_saves_the_change_is_whole(self):
        for gone in range(1, 6):
            bench = Bench()
            bench.ask("audit")
            bench.line.left = gone
            bench.line.write = bench.line.unplugged
            bench.type("set alarms.temp_high.limit 7.5\r", 8)
            limit = bench.saved()["alarms"]["temp_high"]["limit"]
            self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], limit)
            self.assertEqual(limit, 7.5)
            bench.start()
            self.assertEqual(bench.app.problems, [])
            self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 7.5)

    def test_power_cut_before_what_is_put_off_costs_nothing_but_a_check(self):
        bench = Bench()
        good = bench.store.files["config.good"]
        bench.ask("set %s 7.5" % PATH)
        self.assertNotEqual(bench.store.files["config.good"], good)
        bench.store.files["config.good"] = good
        bench.start()
        self.assertEqual(bench.app.problems, [])
        self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 7.5)

    def test_a_step_writes_one_file_at_most_and_the_rest_waits_for_the_next(self):
        bench = Bench(limit_s=33 * 60)
        bench.ask("audit")
        desk = Desk(bench.app, "anna")
        for command, writes in (("set %s 7.5" % PATH, 5), ("ack temp_high", 4),
                                ("reset temp_low", 2), ("calibrate temperature 0.1", 5)):
            counts = []
            for steps in (answer(desk, command), put_off(desk)):
                at = bench.store.writes
                for _ in steps:
                    counts.append(bench.store.writes - at)
                    at = bench.store.writes
                counts.append(bench.store.writes - at)
            self.assertEqual(max(counts), 1, command)
            self.assertEqual(sum(counts), writes, command)

    def test_what_was_saved_here_is_not_checked_again_but_what_came_another_way_is(self):
        bench = Bench()
        bench.ask("set %s 7.5" % PATH)
        checked = []
        check, saved.check = saved.check, lambda text: checked.append(text) or json.loads(text)
        try:
            saved.load(bench.store)
            bench.store.files.pop("config.good")
            saved.load(bench.store)
            self.assertEqual(checked, [])
            bench.store.files["config.json"] += b" "
            saved.load(bench.store)
            self.assertEqual(len(checked), 1)
        finally:
            saved.check = check

    def test_a_pasted_burst_of_changes_is_done_in_order_and_each_is_recorded(self):
        bench = Bench()
        text = "".join(["#%d set %s %.1f\r" % (i, PATH, 7 + i / 10) for i in range(6)])
        shown = bench.type(text, 10)
        self.assertEqual(shown.count("in force now"), 6)
        self.assertEqual(bench.saved()["alarms"]["temp_high"]["limit"], 7.5)
        self.assertEqual(bench.store.files["records.jsonl"].count(b'"kind":"audit"'), 6)
        bench.start()
        self.assertEqual(bench.app.problems, [])
        self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 7.5)

    def test_two_who_change_at_once_keep_each_others_change(self):
        bench = Bench(motor=True)
        bench.ask("learn 20")
        learner = bench.app.pipelines["motor"].judged
        bench.ask("audit")
        done, finishing = [], []

        def steps():   # what is learnt is saved while a person changes something
            for _ in learner._save():
                yield
            done.append("learn")

        learner.seen = learner.count
        original = bench.store.read

        def read(name, limit=65536):
            if name == "config.json" and not finishing:
                finishing.append(steps())
                for _ in range(2):
                    next(finishing[0])
            return original(name, limit)

        bench.store.read = read
        bench.app.clock.spawn(self.follow(bench, finishing))
        self.assertIn("ok", bench.ask("set alarms.temp_high.delay_s 30", 20))
        bench.scheduler.run(bench.scheduler.now_ms + 20_000)
        self.assertEqual(done, ["learn"])
        saved = bench.saved()["alarms"]
        self.assertEqual(saved["temp_high"]["delay_s"], 30)
        self.assertEqual(saved["bearing"]["limit"], 1.0)
        self.assertIn("unbroken", list(bench.app.audit.verify())[-1])

    @staticmethod
    async def follow(bench, finishing):
        while not finishing:
            await bench.app.clock.sleep_ms(1)
        for _ in finishing[0]:
            await bench.app.clock.sleep_ms(1)

    def test_too_little_memory_is_said_in_one_line_and_changes_nothing(self):
        bench = Bench()
        before = bench.store.files["config.json"]
        original = bench.store.read

        def read(name, limit=65536):
            if name == "config.json":
                raise MemoryError()
            return original(name, limit)

        bench.ask("audit")
        bench.store.read = read
        lines, end = bench.ask("set %s 7.5" % PATH)
        self.assertEqual(lines, [])
        self.assertIn("error: too little memory", end)
        self.assertFalse(bench.app.audit.busy)
        self.assertEqual(bench.store.files["config.json"], before)
        bench.store.read = original
        self.assertEqual(bench.ask("set %s 7.5" % PATH)[1], "ok")

    def test_no_memory_to_write_the_file_changes_nothing(self):
        bench = Bench()
        original = bench.store.replace

        def replace(name, data):
            if name == "config.json":
                raise MemoryError()
            return original(name, data)

        bench.store.replace = replace
        self.assertIn("nothing changed", bench.ask("set %s 7.5" % PATH)[1])
        self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 8.0)
        self.assertEqual([entry["what"] for entry in bench.app.audit.entries()],
                         ["config", "set", "set failed"])


class TestActing(unittest.TestCase):
    def test_ack_and_release(self):
        bench = Bench(limit_s=33 * 60)
        self.assertEqual(Pin.levels[15], 0)
        self.assertEqual(bench.ask("ack temp_high")[0], ["temp_high acknowledged, still there"])
        self.assertTrue(bench.app.alarms["temp_high"].acknowledged)
        self.assertIn("cause is still there", bench.ask("release stop")[1])
        bench.scheduler.run(50 * 60 * 1000)
        self.assertIn("cause is over: release stop", bench.type("status\r"))
        self.assertEqual(bench.ask("release stop")[0], ["stop released"])
        self.assertEqual(Pin.levels[15], 1)
        self.assertEqual(bench.ask("ack")[0], ["nothing to acknowledge"])
        self.assertIn("no alarm door; there are: temp_high", bench.ask("ack door")[1])
        self.assertIn("there are: stop", bench.ask("release siren")[1])
        what = [entry["what"] for entry in bench.app.audit.entries()]
        self.assertEqual(what, ["config", "ack", "release", "release"])

    def test_reset_forgets_extremes(self):
        bench = Bench(limit_s=33 * 60)
        self.assertEqual(bench.ask("reset")[1], "ok")
        bench.ask("reset temp_high")
        self.assertEqual(bench.app.alarms["temp_high"].extremes.count, 0)
        self.assertGreater(bench.app.alarms["temp_low"].extremes.count, 0)
        bench.ask("reset all")
        self.assertEqual(bench.app.alarms["temp_low"].extremes.count, 0)
        self.assertIn("there are: all", bench.ask("reset door")[1])

    def test_output_is_tripped_for_a_test(self):
        bench = Bench()
        bench.type("test relay\r", 1)
        self.assertEqual(Pin.levels[15], 0)
        self.assertIn("stop is quiet again", bench.type("", 2))
        self.assertEqual(Pin.levels[15], 1)
        self.assertIn("there are: stop", bench.ask("test horn")[1])

    def test_tripped_output_is_not_let_go_by_a_test(self):
        bench = Bench(limit_s=33 * 60)
        self.assertIn("tripped already", bench.ask("test stop")[1])
        self.assertEqual(Pin.levels[15], 0)

    def test_who(self):
        bench = Bench()
        self.assertEqual(bench.ask("who Anna")[0], ["you are anna"])
        bench.ask("set %s 7.5" % PATH)
        self.assertEqual(list(bench.app.audit.entries())[-1]["who"], "anna")
        self.assertIn("such as anna", bench.ask('who "x"')[1])

    def test_reboot_asks(self):
        self.assertIn("reboot yes", Bench().ask("reboot")[0][0])


class TestCalibrate(unittest.TestCase):
    def test_offset_is_kept_with_its_date_and_counts_at_once(self):
        bench = Bench(limit_s=125)
        lines, _ = bench.ask("calibrate temperature 0.3")
        self.assertEqual(lines, ["room.temperature: offset 0.0 -> 0.3 \u00b0C, 2026-03-02, "
                                 "in force now"])
        self.assertIn("4.30", [line for line in bench.ask("sensors")[0] if "room." in line][0])
        entry = bench.saved()["pipelines"]["room"]["sensor"]["calibration"]["temperature"]
        self.assertEqual(entry, {"offset": 0.3, "date": "2026-03-02"})
        bench.ask("calibrate room.temperature -0.1 C")
        values = bench.app.pipelines["room"].values
        self.assertEqual(values.offsets[0], -0.1)
        newest = list(bench.app.audit.entries())[-1]
        self.assertEqual((newest["what"], newest["old"], newest["new"]), ("calibrate", 0.3, -0.1))
        bench.start()
        self.assertEqual(bench.app.pipelines["room"].values.offsets[0], -0.1)

    def test_alarm_sees_the_calibrated_value(self):
        bench = Bench()
        bench.ask("calibrate temperature 4.2")
        bench.scheduler.run(20 * 60 * 1000)
        self.assertEqual(bench.app.alarms["temp_high"].state, 2)
        self.assertEqual(bench.app.alarms["temp_high"].physical(400), 8.2)

    def test_refused(self):
        bench = Bench()
        for text, word in (("t9 0.3", "no channel t9; there are: room."), ("temperature", "write"),
                           ("temperature nan", "finite"), ("temperature 0,3", "decimal point"),
                           ("temperature 1 F", "convert"), ("temperature 70", "more than a")):
            self.assertIn(word, bench.ask("calibrate " + text)[1], text)
        self.assertNotIn("calibration", bench.saved()["pipelines"]["room"]["sensor"])

    def test_damaged_entry_is_reported_and_the_pipeline_runs(self):
        def damage(config):
            config["pipelines"]["room"]["sensor"]["calibration"] = {"temperature": {"offset": "x"}}

        bench = Bench(damage)
        self.assertEqual(bench.app.problems,
                         ["calibration of temperature is damaged; calibrate it again"])
        self.assertIn("room", bench.app.pipelines)


class TestLearn(unittest.TestCase):
    def test_limit_becomes_the_percentile_of_the_scores(self):
        bench = Bench(motor=True)
        lines, _ = bench.ask("learn 20 motor 95")
        self.assertIn("learning: 0 of 20 windows", lines[0])
        self.assertIn("already learning", bench.ask("learn 20")[1])
        scores = []
        learner = bench.app.pipelines["motor"].judged
        bench.scheduler.run(8 * 60 * 1000)
        self.assertIn("of 20 windows", bench.ask("learn")[0][0])
        self.assertIn("of 20 windows", bench.type("status\r"))
        bench.scheduler.run(13 * 60 * 1000)
        scores = sorted(learner._scores)
        limit = max(1.0, round(scores[18] / 256 * 1.1, 2))
        self.assertEqual(bench.saved()["alarms"]["bearing"]["limit"], limit)
        self.assertEqual(bench.app.config["alarms"]["bearing"]["limit"], limit)
        self.assertIsNone(bench.app.pipelines["motor"].judged)
        drift = bench.app.pipelines["motor"].machine.drift
        self.assertEqual(drift.baseline, sum(scores) // 20)
        bench.start()
        again = bench.app.pipelines["motor"].machine.drift
        self.assertTrue(again.learnt)
        self.assertEqual(again.baseline, drift.baseline)
        self.assertIn("not learning", bench.ask("learn")[0][0])

    def test_only_windows_of_a_running_machine_count(self):
        def close(config):
            config["pipelines"]["motor"]["run_gate"].update({"on": 90.0, "off": 80.0})

        bench = Bench(close, motor=True)
        bench.ask("learn 20")
        bench.scheduler.run(20 * 60 * 1000)
        self.assertIn("0 of 20 windows, waiting for the machine", bench.ask("learn")[0][0])
        self.assertIn("nothing changed", bench.ask("learn stop")[0][0])
        self.assertIsNone(bench.app.pipelines["motor"].judged)
        self.assertEqual(bench.saved()["alarms"]["bearing"]["limit"], 2.0)

    def test_percentile_is_the_nearest_rank(self):
        scores = array("h", range(25600, 0, -256))
        for percent, value in ((99.0, 99), (50, 50), (100, 100), (99.5, 100)):
            self.assertAlmostEqual(learn.limit_of(scores, percent), value * 1.1, places=2)

    def test_refused(self):
        bench = Bench(motor=True)
        for text, word in (("3", "20 .. 2000"), ("x", "20 .. 2000"),
                           ("20 room", "model are: motor"), ("20 motor 20", "percentile"),
                           ("20 motor nan", "finite")):
            self.assertIn(word, bench.ask("learn " + text)[1], text)

    def test_flash_that_takes_nothing_is_logged(self):
        bench = Bench(motor=True)
        bench.ask("learn 20")
        bench.store.fail = ("config.json",)
        bench.scheduler.run(13 * 60 * 1000)
        self.assertIn("learn: not saved", "".join(bench.app.log.lines()))
        self.assertEqual(bench.app.config["alarms"]["bearing"]["limit"], 2.0)


class TestPush(unittest.TestCase):
    def push(self, bench, data, size=None, sha=None):
        sha = sha or binascii.hexlify(hashlib.sha256(data).digest()).decode()
        self.assertEqual(bench.ask("push begin %d %s" % (size or len(data), sha))[1], "ok")
        for at in range(0, len(data), 150):
            end = bench.ask("push " + binascii.b2a_base64(
                data[at:at + 150]).decode().strip())[1]
            if end != "ok":
                return end
        return bench.ask("push end")[1]

    def test_a_configuration_is_replaced_as_a_whole(self):
        bench = Bench()
        config = json.loads(bench.ask("export config")[0][0])
        self.assertEqual(config["pipelines"]["room"]["sensor"]["wifi_password"], "***")
        config["alarms"]["temp_high"]["limit"] = 6.5
        self.assertEqual(self.push(bench, json.dumps(config).encode()), "ok")
        saved = bench.saved()
        self.assertEqual(saved["alarms"]["temp_high"]["limit"], 6.5)
        self.assertEqual(saved["pipelines"]["room"]["sensor"]["wifi_password"], "hunter22")
        self.assertEqual(list(bench.app.audit.entries())[-1]["what"], "push")
        bench.start()
        self.assertEqual(bench.app.problems, [])
        self.assertEqual(bench.app.config["alarms"]["temp_high"]["limit"], 6.5)

    def test_refused(self):
        bench = Bench()
        before = bench.store.files["config.json"]
        good = json.dumps(configuration()).encode()
        for data, size, sha, word in (
                (good, None, "0" * 64, "push it again"), (good, 10, None, "more than the 10"),
                (good, len(good) + 1, None, "came whole"), (b"{", None, None, "not JSON"),
                (b"[" * 3000, None, None, "not JSON"), (b"[]", None, None, "object"),
                (good.replace(b"8.0", b"1e999"), None, None, "temp_high.limit"),
                (good.replace(b'"hour"', b'"***"'), None, None, "hides nothing")):
            self.assertIn(word, self.push(bench, data, size, sha))
        self.assertIn("at most 16384", bench.ask("push begin 99999 x")[1])
        self.assertIn("push begin", bench.ask("push end")[1])
        bench.ask("push begin 4 " + "0" * 64)
        self.assertEqual(bench.ask("push ab")[1][:6], "error:")
        self.assertEqual(bench.store.files["config.json"], before)


if __name__ == "__main__":
    unittest.main()
