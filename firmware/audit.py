# SPDX-License-Identifier: Apache-2.0
"""Who changed what, and when: a hash-chained log on flash, bounded, that survives power cuts.

/audit.log (then .1 .. .3, 8 KB each) holds entries as `tocsin.link.chain` writes them; the body is
one line of JSON. /audit.head holds number and hash of the newest entry apart from them, so that
entries missing at the end are seen, and the digest of the configuration as it was left.
"""

import binascii
import json

from firmware.saved import digest
from tocsin.link.chain import START, ChainError, Reader, anchor, link

_FILE = "audit.log"
_HEAD = "audit.head"
_BYTES = 8192
_FILES = 4
_SHOWN = 16
_LONGEST = 160


class Audit:
    """The log; opening it looks at its end and cuts off what a power cut left of an entry.

    Attributes: number (of entries ever), head (hash of the newest), config (digest of the newest
    configuration it knows, "" without one), trouble (what is wrong with it, or None), busy (a
    change of the configuration is being saved).
    """

    def __init__(self, store, clock):
        self._store = store
        self._clock = clock
        self.busy = False
        self._open()

    def _open(self) -> None:
        self._stale = self._behind = False
        self.trouble = None
        number, head, self.config = self._read_head()
        reader, self._size, torn, wrong = self._scan(_FILE)
        if torn:
            whole = self._store.read(_FILE, 2 * _BYTES) or b""
            self._store.replace(_FILE, whole[:self._size])
        if self._size == 0 and wrong is None:
            reader, _, _, wrong = self._scan(_FILE + ".1")
        self.number, self.head = reader.number, reader.head
        if wrong is None and (number, head) == (reader.number, reader.head):
            return
        if wrong is None and (number, head) == (reader.number - 1, reader.before):
            self.config = json.loads(reader.body)["config"] or self.config
            self._write_head()
            return
        self.trouble = wrong or "the end of the log is not what was written as entry %d" % number
        if number > reader.number:
            self.number, self.head = number, head
        self._store.rotate(_FILE, _FILES)
        self._size = 0
        self.add("device", "audit", _FILE, None, self.trouble)

    def add(self, who: str, what: str, path: str, old, new, config=None) -> bool:
        """Append one entry; False when the flash did not take it, and then nothing was changed.

        old, new: JSON values without secrets. config: digest of what the configuration becomes.
        """
        if not self.append(who, what, path, old, new, config):
            return False
        self.settle()
        return True

    def append(self, who: str, what: str, path: str, old, new, config=None) -> bool:
        """`add` without the head, half as long; then call `settle` when there is time.

        The log is sound all the same: opening it expects a head that is one entry behind.
        """
        if self._stale:
            self._open()
        self.settle()
        clock = self._clock
        body = '{"n": %d, "boot": %d, "up_s": %d, "utc_s": %s, "who": %s, "what": %s, ' \
            '"path": %s, "old": %s, "new": %s, "config": %s}' % (
                self.number + 1, clock.boot_id, clock.uptime_s(), json.dumps(clock.utc_s()),
                json.dumps(who), json.dumps(what), json.dumps(path), _bounded(old),
                _bounded(new), json.dumps(config))
        head = link(self.head, body)
        text = "%s %s\n" % (head, body)
        if self._size + len(text.encode()) > _BYTES:
            self._store.rotate(_FILE, _FILES)
            self._size = 0
        if self._size == 0:
            text = "%s\n%s" % (anchor(self.head, self.number), text)
        self._stale = True   # until it is done: the next entry looks at the files again
        if not self._store.append(_FILE, text, _BYTES, _FILES):
            return False
        self._size += len(text.encode())
        self.number += 1
        self.head = head
        if config is not None:
            self.config = config
        self._behind = True
        self._stale = False
        return True

    def settle(self) -> None:
        """Write the head that `append` left."""
        if self._behind:
            self._write_head()

    def notice(self, config: str) -> None:
        """The configuration is `config` now: an entry, if that is not what the log knows."""
        if config != self.config:
            self.add("unknown", "config", "config.json", self.config or None, config, config)

    def verify(self):
        """Generator: None between entries, a line per file, at last one that says what was found.
        """
        last = None
        for i in range(_FILES - 1, -1, -1):
            name = _name(i)
            reader = Reader()
            for line in self._lines(name):
                try:
                    reader.read(line.decode().rstrip("\n"))
                except (ChainError, UnicodeError) as error:
                    yield "%s: %s" % (name, error)
                    return
                if last is not None and reader.body is None and reader.head != last.head:
                    yield "%s does not go on where the file before it ended" % name
                    return
                yield None
            if reader.head != START:
                last = reader
                if i:
                    yield "%s: unbroken up to entry %d" % (name, reader.number)
        if last is not None and (last.number, last.head) != (self.number, self.head):
            yield "entries after %d are missing" % last.number
        elif last is None and self.number:
            yield "all %d entries are missing" % self.number
        else:
            yield "%d entries, unbroken; head %s" % (self.number, self.head[:_SHOWN])

    def entries(self):
        """Generator: the bodies on flash as dicts, oldest first, as far as legible."""
        for i in range(_FILES - 1, -1, -1):
            for line in self._lines(_name(i)):
                body = _body(line)
                if body is not None:
                    yield body

    def newest(self, count: int):
        """Generator: the newest bodies as dicts, oldest first, None where nothing is shown yet;
        reads no more files than that takes."""
        there = files = 0
        while files < _FILES and there < count:
            for line in self._lines(_name(files)):
                there += line[65:66] == b"{"
            files += 1
            yield None
        for i in range(files - 1, -1, -1):
            for line in self._lines(_name(i)):
                if line[65:66] != b"{":
                    continue
                there -= 1
                if there < count:
                    yield _body(line)

    def _lines(self, name: str):
        file = self._store.open(name)
        if file is None:
            return
        try:
            while True:
                line = file.readline()
                if not line:
                    return
                yield line
        finally:
            file.close()

    def _scan(self, name: str) -> tuple:
        """(Reader at the last good line, bytes up to there, torn, what is wrong or None).

        torn: only the last line is bad, and it has no end: a power cut.
        """
        reader, good, wrong = Reader(), 0, None
        for line in self._lines(name):
            if wrong is not None:
                return reader, good, False, wrong
            try:
                if line[-1:] != b"\n":
                    return reader, good, True, None
                reader.read(line.decode()[:-1])
                good += len(line)
            except (ChainError, UnicodeError) as error:
                wrong = str(error)
        return reader, good, False, wrong

    def _read_head(self) -> tuple:
        data = self._store.read(_HEAD, 256)
        try:
            crc, number, head, config = data.decode().split(" ")
            if int(crc, 16) == _crc(data[9:]):
                return int(number), head, config
        except (ValueError, AttributeError, UnicodeError):
            pass
        return 0, START, ""

    def _write_head(self) -> None:
        body = ("%d %s %s" % (self.number, self.head, self.config)).encode()
        self._behind = True
        self._store.replace(_HEAD, b"%08x " % _crc(body) + body)
        self._behind = False


def _name(i: int) -> str:
    """The file that is the i-th newest."""
    return _FILE if i == 0 else "%s.%d" % (_FILE, i)


def _body(line: bytes):
    """The body of a line as a dict, None where it is not legible."""
    try:
        return json.loads(line[65:].decode())
    except (ValueError, UnicodeError):
        return None


def _crc(data: bytes) -> int:
    return binascii.crc32(data) & 0xFFFFFFFF


def _bounded(value) -> str:
    """JSON of a value; a long one by its digest only, so that an entry stays small."""
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else json.dumps("sha256 " + digest(text.encode()))
