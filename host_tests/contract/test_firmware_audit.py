# SPDX-License-Identifier: Apache-2.0
"""The audit log: chained, bounded, whole after a power cut at any write, honest about changes."""

import io
import unittest

from firmware.audit import Audit, digest
from tocsin.link.chain import START, ChainError, Reader, anchor, link


class Clock:
    boot_id = 3

    def uptime_s(self):
        return 17

    def utc_s(self):
        return None


class PowerCut(BaseException):
    pass


class Flash:
    """Files in RAM with the methods of a Store; `cut` counts writes down to a power cut."""

    def __init__(self):
        self.files = {}
        self.cut = -1
        self.torn = False
        self.full = False

    def _write(self, name, data, whole):
        if self.full:
            return False
        if self.cut == 0:
            if self.torn and not whole:
                self.files[name] = self.files.get(name, b"") + data[:len(data) // 2]
            raise PowerCut()
        self.cut -= 1
        self.files[name] = data if whole else self.files.get(name, b"") + data
        return True

    def read(self, name, limit=65536):
        data = self.files.get(name)
        return None if data is None or len(data) > limit else data

    def open(self, name):
        return io.BytesIO(self.files[name]) if name in self.files else None

    def replace(self, name, data):
        return self._write(name, data, True)

    def rotate(self, name, files):
        for i in range(files - 1, 0, -1):
            older = name if i == 1 else "%s.%d" % (name, i - 1)
            if older in self.files:
                self.files["%s.%d" % (name, i)] = self.files.pop(older)
        return True

    def append(self, name, line, max_bytes, files=1):
        data = line.encode()
        if len(self.files.get(name, b"")) + len(data) > max_bytes:
            self.rotate(name, files)
        return self._write(name, data, False)


def filled(flash, count):
    audit = Audit(flash, Clock())
    for i in range(count):
        audit.add("anna", "set", "alarms.a.limit", i, i + 1, "%016x" % i)
    return audit


def verdict(audit):
    return list(audit.verify())[-1]


class TestChain(unittest.TestCase):
    def test_lines_follow_one_another(self):
        first = link(START, "one")
        reader = Reader()
        reader.read(first + " one")
        reader.read(link(first, "two") + " two")
        self.assertEqual((reader.number, reader.body, reader.before), (2, "two", first))
        for line in (first + " two", "", "short", first, first + "x" + "one"):
            with self.assertRaises(ChainError):
                reader.read(line)

    def test_a_file_goes_on_from_its_anchor(self):
        reader = Reader()
        reader.read(anchor(link(START, "one"), 7))
        reader.read(link(link(START, "one"), "two") + " two")
        self.assertEqual(reader.number, 8)

    def test_known_hash(self):
        self.assertEqual(link(START, "a")[:16], "d3305d32daf3d026")


class TestAudit(unittest.TestCase):
    def test_entries_come_back_in_order(self):
        flash = Flash()
        audit = filled(flash, 3)
        self.assertEqual([(e["n"], e["old"], e["new"]) for e in audit.entries()],
                         [(1, 0, 1), (2, 1, 2), (3, 2, 3)])
        again = Audit(flash, Clock())
        self.assertEqual((again.number, again.head, again.config, again.trouble),
                         (3, audit.head, "%016x" % 2, None))
        self.assertEqual(verdict(again), "3 entries, unbroken; head " + audit.head[:16])

    def test_it_is_bounded_and_the_rest_still_verifies(self):
        flash = Flash()
        audit = filled(flash, 200)
        sizes = [len(flash.files[name]) for name in flash.files if name[:9] == "audit.log"]
        self.assertEqual(len(sizes), 4)
        self.assertLess(max(sizes), 8193)
        self.assertIn("200 entries, unbroken", verdict(audit))
        self.assertGreater(list(audit.entries())[0]["n"], 1)
        self.assertEqual(Audit(flash, Clock()).number, 200)

    def test_every_changed_byte_is_found(self):
        flash = Flash()
        filled(flash, 3)
        good = flash.files["audit.log"]
        for at in range(0, len(good), 7):
            flash.files["audit.log"] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
            head = flash.files["audit.head"]
            audit = Audit(flash, Clock())
            self.assertIsNotNone(audit.trouble, at)
            self.assertNotIn("unbroken", verdict(audit))
            flash.files = {"audit.log": good, "audit.head": head}

    def test_entries_taken_away_at_the_end_are_missed(self):
        flash = Flash()
        filled(flash, 3)
        lines = flash.files["audit.log"].split(b"\n")
        flash.files["audit.log"] = b"\n".join(lines[:-2]) + b"\n"
        audit = Audit(flash, Clock())
        self.assertIn("entry 3", audit.trouble)
        self.assertEqual(list(audit.entries())[-1]["what"], "audit")
        self.assertEqual(list(audit.entries())[-1]["n"], 4)

    def test_a_deleted_log_is_missed(self):
        flash = Flash()
        filled(flash, 3)
        del flash.files["audit.log"]
        audit = Audit(flash, Clock())
        self.assertIsNotNone(audit.trouble)
        self.assertEqual(audit.number, 4)

    def test_power_cut_at_each_write_leaves_a_whole_log(self):
        for torn in (False, True):
            for before in (0, 1, 29, 30, 31):
                for cut in range(3):
                    flash = Flash()
                    filled(flash, before)
                    flash.cut, flash.torn = cut, torn
                    try:
                        Audit(flash, Clock()).add("anna", "set", "p", 1, 2, "c" * 16)
                    except PowerCut:
                        pass
                    flash.cut = -1
                    audit = Audit(flash, Clock())
                    self.assertEqual(audit.trouble, None, (torn, before, cut))
                    self.assertIn(audit.number, (before, before + 1))
                    audit.add("anna", "set", "p", 2, 3)
                    self.assertIn("%d entries, unbroken" % audit.number, verdict(audit))

    def test_interrupted_entry_does_not_break_the_chain_of_the_same_object(self):
        for cut in range(2):
            flash = Flash()
            audit = filled(flash, 2)
            flash.cut = cut
            try:
                audit.add("anna", "set", "p", 1, 2)
            except PowerCut:
                pass
            flash.cut = -1
            self.assertTrue(audit.add("anna", "set", "p", 2, 3))
            self.assertIn("%d entries, unbroken" % (3 + cut), verdict(audit))

    def test_head_may_be_left_for_later_but_never_two_entries_behind(self):
        for cut in range(5):
            flash = Flash()
            audit = filled(flash, 2)
            flash.cut = cut
            try:
                audit.append("anna", "set", "p", 1, 2, "a" * 16)
                audit.append("anna", "set", "p", 2, 3, "b" * 16)
                audit.settle()
                audit.settle()
            except PowerCut:
                pass
            flash.cut = -1
            again = Audit(flash, Clock())
            entries = 2 + (cut > 0) + (cut > 2)
            self.assertEqual((again.trouble, again.number), (None, entries), cut)
            self.assertEqual(again.config[:1], ("0", "a", "b")[entries - 2])
            self.assertIn("%d entries, unbroken" % entries, verdict(again))

    def test_a_head_that_was_interrupted_is_written_before_the_next_entry(self):
        flash = Flash()
        audit = filled(flash, 2)
        audit.append("anna", "set", "p", 1, 2)
        flash.cut = 0
        with self.assertRaises(PowerCut):
            audit.settle()
        flash.cut = 1
        with self.assertRaises(PowerCut):
            audit.append("anna", "set", "p", 2, 3)
        flash.cut = -1
        again = Audit(flash, Clock())
        self.assertEqual((again.trouble, again.number), (None, 3))

    def test_full_flash_is_said(self):
        flash = Flash()
        audit = filled(flash, 2)
        flash.full = True
        self.assertFalse(audit.add("anna", "set", "p", 1, 2))
        flash.full = False
        self.assertTrue(audit.add("anna", "set", "p", 1, 2))
        self.assertIn("3 entries, unbroken", verdict(audit))

    def test_a_configuration_that_came_another_way_is_noted_once(self):
        flash = Flash()
        audit = filled(flash, 1)
        audit.notice("0" * 16)
        self.assertEqual(audit.number, 1)
        audit.notice(digest(b"other"))
        audit.notice(digest(b"other"))
        entry = list(audit.entries())[-1]
        self.assertEqual((audit.number, entry["who"], entry["old"], entry["new"]),
                         (2, "unknown", "0" * 16, digest(b"other")))

    def test_long_values_are_kept_as_their_digest(self):
        flash = Flash()
        audit = Audit(flash, Clock())
        audit.add("anna", "set", "p", "x" * 5000, "\u00e9\n\"")
        entry = list(audit.entries())[0]
        self.assertEqual(entry["old"][:7], "sha256 ")
        self.assertEqual(entry["new"], "\u00e9\n\"")
        self.assertIn("1 entries, unbroken", verdict(audit))


if __name__ == "__main__":
    unittest.main()
