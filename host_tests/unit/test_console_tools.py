# SPDX-License-Identifier: Apache-2.0
"""The host's side of the console: questions, answers, and what is refused before it is sent."""

import base64
import json
import threading

import pytest

from tools import console
from tools.serial_link import Link, LinkError, open_port, value_of


class Port:
    """A board that answers from a table; other lines come in between."""

    in_waiting = 0

    def __init__(self, answers):
        self.answers, self.written, self.out = answers, [], b""

    def write(self, data):
        text = data.decode().strip("\x15\r")
        tag, _, command = text.partition(" ")
        self.written.append(command)
        self.out += b"3.1 warn something else\r\n> "
        for line in self.answers.get(command.split(" ")[0], ["ok"]):
            self.out += f"\r\n{tag} {line}".encode()
        self.out += b"\r\n"

    def read(self, count):
        data, self.out = self.out[:7], self.out[7:]
        return data

    def close(self):
        pass


def test_answers_are_told_from_everything_else():
    port = Port({"status": ["a  normal", "#x", "ok"], "set": ["error: no"]})
    link = Link(port)
    assert link.ask("status") == ["a  normal", "#x"]
    with pytest.raises(LinkError, match="the device: no"):
        link.ask("set x 1")


def test_silence_says_what_to_do():
    class Silent(Port):
        def write(self, data):
            pass

    with pytest.raises(LinkError, match="Ctrl-D there starts it"):
        Link(Silent({}), seconds=0.05).ask("status")


def test_broken_line_is_named():
    class Broken(Port):
        def read(self, count):
            raise OSError("gone")

    with pytest.raises(LinkError, match="plug it in again"):
        Link(Broken({})).ask("status")


def test_unknown_port_is_one_line():
    with pytest.raises(LinkError, match="cannot be opened"):
        open_port("/dev/does-not-exist")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a.b = 8.0 \u00b0C", (8.0, "\u00b0C", False)),
        ("a.b = null", (None, "", False)),
        ('a.b = "x = 1"  (after a reset)', ("x = 1", "", True)),
        ("a.b = [1, 2] mm/s  (after a reset)", ([1, 2], "mm/s", True)),
    ],
)
def test_values_are_read(line, expected):
    assert value_of(line, "a.b") == expected


@pytest.mark.parametrize("line", ["a.b: c, d", "a.c = 1", "a.b = x"])
def test_what_is_no_value_is_refused(line):
    with pytest.raises(LinkError):
        value_of(line, "a.b")


def test_push_sends_all_of_it_in_short_lines():
    port = Port({})
    sent = []
    text = {"site": "\u00c4" * 400}
    Link(port).push(text, lambda at, of: sent.append((at, of)))
    lines = [c.split(" ")[1] for c in port.written if c.split(" ")[1] not in ("begin", "end")]
    data = b"".join(base64.b64decode(line) for line in lines)
    assert json.loads(data) == text
    assert max(len(c) for c in port.written) < 256
    assert sent[-1] == (len(data), len(data))


def test_secrets_do_not_stop_the_check_of_the_rest():
    masked = {"sensor": {"driver": "x", "api_key": "***", "name": "***"}}
    assert console._unmasked(masked)["sensor"]["api_key"] == "masked"
    assert console._unmasked(masked)["sensor"]["name"] == "***"


def test_log_line_after_the_prompt_is_shown(capsys):
    class Line:
        in_waiting = 0
        out = [b"> \r\x1b[K1.211 warn safe_high alarm: 26.0\r\n> set x 1\r\nerror: no\r\n"]

        def read(self, count):
            if not self.out:
                raise OSError("end")
            return self.out.pop()

    console._show(Line(), console.Console(), threading.Event())
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["1.211 warn safe_high alarm: 26.0", "error: no"]


def test_user_becomes_a_name_for_the_audit_log(monkeypatch):
    for name, expected in (("Anna.B", "annab"), ("007", "host"), ("\u00e9", "host")):
        monkeypatch.setattr(console.getpass, "getuser", lambda name=name: name)
        assert console._user() == expected


def test_colours_follow_the_words():
    assert [str(span.style) for span in console.styled("error: no").spans] == ["bold red"]
    assert console.styled("nothing of note").spans == []
