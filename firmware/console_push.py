# SPDX-License-Identifier: Apache-2.0
"""Receive a whole configuration: checked, logged, saved."""

import binascii
import json

from firmware.changes import claim, later, save
from firmware.saved import digest, load, refuse_invalid
from tocsin.config.redaction import restore

_CONFIG_BYTES = 16384


def do_push(desk, words, rest):
    """Receive a whole configuration: begin SIZE SHA256, lines of base64, end."""
    if words[:1] == ["begin"] and len(words) == 3 and words[1].isdigit():
        if int(words[1]) > _CONFIG_BYTES:
            raise ValueError("a configuration has at most %d bytes" % _CONFIG_BYTES)
        desk.pushed = (int(words[1]), words[2], bytearray())
        yield "ready"
        return
    if desk.pushed is None or len(words) != 1:
        raise ValueError("push begin SIZE SHA256, then lines of base64, then push end")
    size, sha, data = desk.pushed
    if words[0] != "end":
        try:
            data.extend(binascii.a2b_base64(words[0].encode()))
        except ValueError:
            raise ValueError("not base64; push it again from the beginning")
        if len(data) > size:
            desk.pushed = None
            raise ValueError("more than the %d bytes announced; push it again" % size)
        return
    desk.pushed = None
    if len(data) != size or digest(data) != sha[:16] or len(sha) < 16:
        raise ValueError("%d bytes came whole of %d; push it again" % (len(data), size))
    yield None
    yield from _take_over(desk, bytes(data))


def _take_over(desk, data: bytes):
    """Check what was pushed and save it as this board understood it."""
    app, audit = desk.app, desk.audit
    try:
        config = json.loads(data)
    except (ValueError, RuntimeError):
        raise ValueError("not JSON; push it again")
    yield from claim(audit)
    try:
        try:
            raw = load(app.store)
        except ValueError:   # there is no valid one: nothing to take secrets from
            raw = {}
        yield None
        config = restore(config, raw)
        yield None
        refuse_invalid(config)
        yield None
        before = digest(app.store.read("config.json", _CONFIG_BYTES) or b"")
        change = (desk.who, "push", "config.json", before, digest(data))
        yield from save(app, audit, change, config)
        desk.put_off(later(app, audit, change, config))
    finally:
        audit.busy = False
    yield "config.json saved, %d alarms, in force after a reset (reboot yes)" % len(
        config["alarms"])
