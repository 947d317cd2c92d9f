# SPDX-License-Identifier: Apache-2.0
"""Records that leave the device: numbered, stamped, counted; for now into a bounded file."""

import json

_FILE = "records.jsonl"


class Records:
    """Stamps records and hands them to the sink as lines of JSON.

    Attributes: sent, refused (records the sink did not take), bytes (of all sent lines).
    """

    def __init__(self, clock, sink):
        self._clock = clock
        self._sink = sink
        self.sent = 0
        self.refused = 0
        self.bytes = 0

    def send(self, kind: str, pipeline, body: dict, account, artefact=None) -> None:
        """Send one record and count its bytes as `artefact` of `account` (None: the device's)."""
        clock = self._clock
        body["kind"] = kind
        if pipeline is not None:
            body["pipeline"] = pipeline
        body["boot"] = clock.boot_id
        body["seq"] = clock.next_sequence()
        body["up_s"] = clock.uptime_s()
        body["utc_s"] = clock.utc_s()
        line = json.dumps(body, separators=(",", ":"))
        if not self._sink.send(line):
            self.refused += 1
            return
        size = len(line.encode()) + 1
        self.sent += 1
        self.bytes += size
        if account is not None:
            account.count(artefact, size)


class FileSink:
    """Appends records to /records.jsonl, rotated to .1 .. before it passes `max_bytes`.

    Attributes: refused (records the flash did not take).
    """

    def __init__(self, store, max_bytes: int = 65536, files: int = 2):
        self._store = store
        self._max_bytes = max_bytes
        self._files = files
        self.refused = 0

    def send(self, line: str) -> bool:
        """Take one record (a line of JSON without its end). False when it was refused."""
        if self._store.append(_FILE, line + "\n", self._max_bytes, self._files):
            return True
        self.refused += 1
        return False
