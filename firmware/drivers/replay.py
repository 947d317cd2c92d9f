# SPDX-License-Identifier: Apache-2.0
"""A recording played at its own rate, as if it came from a sensor.

File format (little endian): b"TREC", u16 header length, JSON header {"channels": [{"name", "unit",
"scale", "offset"}], "rate_mhz": n, "parts": samples per part or null, "interval_ms": n or null},
then int16 samples, interleaved by channel. An interval paces slow logs, whose rate in mHz is too
coarse.
"""

import json
import struct

_MAGIC = b"TREC"


class RecordingError(ValueError):
    """A recording that cannot be played; the message says what to do."""


class Samples:
    """The int16 samples of an open recording file, from byte `start` on; read when played."""

    def __init__(self, file, start: int):
        self._file = file
        self._start = start
        self._count = (file.seek(0, 2) - start) // 2
        self._at = -1

    def __len__(self) -> int:
        return self._count

    def copy(self, at: int, block, count: int) -> None:
        """Copy `count` samples from sample `at` on into block. Raises OSError."""
        if at != self._at:
            self._file.seek(self._start + 2 * at)
        self._at = -1
        if self._file.readinto(memoryview(block)[:count]) != 2 * count:
            raise OSError("the recording ends too early; deploy it again")
        self._at = at + count


class Replay:
    """Plays `samples` (array('h') or `Samples`, interleaved) once, or for ever with `loop`.

    part_samples: samples per part for a line, else None. interval_ms: between samples, in place
    of the rate. Attributes as every driver; done: played.
    """

    def __init__(self, clock, channels: list, rate_mhz: int, samples, part_samples=None,
                 loop: bool = False, interval_ms=None):
        if not channels or len(samples) % len(channels) or not len(samples):
            raise RecordingError("samples do not fill the recording's channels; record again")
        if rate_mhz < 1:
            raise RecordingError("the recording's rate must be 1 mHz or more; set rate_mhz")
        self.channels = channels
        self.rate_mhz = rate_mhz
        self.parts = part_samples is not None
        self.dropped = 0
        self.done = False
        self._part_samples = part_samples
        self._interval_ms = interval_ms or 0
        self._clock = clock
        self._samples = samples
        self._loop = loop
        self._at = 0
        self._played = 0
        self._start_ms = None

    async def read(self, block) -> int:
        """Fill `block` with the next samples once their time has come, from the first call on."""
        if self._start_ms is None:
            self._start_ms = self._clock.ticks_ms()
        width = len(self.channels)
        room = len(block) // width
        if self.parts:
            room = min(room, self._part_samples)
        left = (len(self._samples) - self._at) // width
        if left == 0 and self._loop:
            self._at = 0
            left = len(self._samples) // width
        while left == 0:
            self.done = True
            await self._clock.sleep_ms(60_000)
        count = min(room, left)
        await self._pace(count)
        self._copy(block, count * width)
        self._at += count * width
        return count

    def _copy(self, block, count: int) -> None:
        samples, at = self._samples, self._at
        if isinstance(samples, Samples):
            samples.copy(at, block, count)
            return
        for i in range(count):
            block[i] = samples[at + i]

    async def _pace(self, count: int) -> None:
        """Sleep until `count` more samples would be there, without drifting."""
        clock = self._clock
        self._played += count
        if self._interval_ms:
            due_ms = self._played * self._interval_ms
            seconds, rest = due_ms // 1000, 0
        else:
            seconds = self._played * 1000 // self.rate_mhz
            rest = self._played * 1000 % self.rate_mhz
            due_ms = seconds * 1000 + rest * 1000 // self.rate_mhz
        await clock.sleep_ms(due_ms - clock.diff(clock.ticks_ms(), self._start_ms))
        if seconds >= 60 and (rest == 0 or seconds >= 3600):
            self._start_ms = clock.add(self._start_ms, due_ms)
            self._played = 0


def parse(file) -> tuple:
    """Return (header, `Samples`) of an open recording file. Raises RecordingError."""
    start = file.read(6)
    if len(start) < 6 or start[:4] != _MAGIC:
        raise RecordingError("not a recording (no TREC at its start); export it again")
    size = struct.unpack("<H", start[4:])[0]
    try:
        header = json.loads(file.read(size).decode())
        channels, rate_mhz = header["channels"], header["rate_mhz"]
        interval_ms = header.get("interval_ms") or 0
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RecordingError("the recording's header is damaged; export it again") from None
    if not (isinstance(channels, list) and isinstance(rate_mhz, int)
            and isinstance(interval_ms, int) and interval_ms >= 0):
        raise RecordingError("the recording's header is damaged; export it again")
    return header, Samples(file, 6 + size)


def make(settings: dict, clock, store, hardware=None) -> Replay:
    """Driver `replay`: settings["file"] is the recording's path, settings["loop"] optional."""
    file = store.open(settings["file"])
    if file is None:
        raise RecordingError("recording %s is missing; deploy it" % settings["file"])
    header, samples = parse(file)
    return Replay(clock, header["channels"], header["rate_mhz"], samples, header.get("parts"),
                  settings.get("loop", False), header.get("interval_ms"))
