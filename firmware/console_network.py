# SPDX-License-Identifier: Apache-2.0
"""The radio, where there is one, and what was sent."""

from firmware.console_text import table


def do_network(desk, words, rest):
    """Address and signal where there is a radio; bytes seen and sent."""
    try:
        import network

        wlan = network.WLAN(network.STA_IF)
        if not wlan.active():
            yield "wifi off"
        elif not wlan.isconnected():
            yield "wifi on, not connected"
        else:
            yield "wifi connected, address %s" % wlan.ifconfig()[0]
    except (ImportError, AttributeError, OSError):
        yield "no network on this board"
    rows = [("pipeline", "raw bytes", "sent bytes", "ratio")]
    for name in sorted(desk.app.pipelines):
        report = desk.app.pipelines[name].account.report()
        rows.append((name, "%d" % report["raw"], "%d" % report["sent"], "%d" % report["ratio"]))
    yield from table(rows)
    records = desk.app.records
    yield "%d records written, %d refused" % (records.sent, records.refused)
