# SPDX-License-Identifier: Apache-2.0
"""Cut interleaved int16 samples into windows, in buffers made once; part_framing.py cuts parts.

`frames` is one array('h') per channel; a block is an int16 buffer, sample by sample, channel by
channel. Feed, work on the frames when `ready`, release, feed the rest of the block:

    while consumed < n:
        consumed += framer.feed(block, consumed, n - consumed)
        if framer.ready:
            ...
            framer.release()

Missing samples: where a channel has the value `missing`, its newest good sample is held (`fill`
of the channel before the first good one). `held` counts, per channel, how many samples in a row
were held, up to now (stops at 32767); `missing_total` all of them, modulo 2**30. Samples that a
hop longer than the window skips are not looked at.
"""

from array import array

from tocsin.dsp.buffers import ALL
from tocsin.kernels import deinterleave
from tocsin.kernels.arrays import need


class FramingError(ValueError):
    """A window, hop or part rule that cannot work; the message says what to change."""


def check(name: str, value, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise FramingError("%s must be %d to %d, not %r" % (name, low, high, value))
    return value


class Buffers:
    """Frames and the missing-sample policy, for both framers."""

    def __init__(self, channels: int, length: int, missing, fill):
        check("channels", channels, 1, 64)
        if missing is not None:
            check("missing", missing, -32768, 32767)
        if fill is not None and len(fill) != channels:
            raise FramingError("fill must have %d values" % channels)
        self.channels = channels
        self.frames = [array("h", bytes(2 * length)) for _ in range(channels)]
        self.held = array("h", [0] * channels)
        self.missing_total = 0
        self._missing = missing
        self._fill = array("h", fill if fill else [0] * channels)
        self._last = array("h", self._fill)
        self._spec = array("h", [channels, 0, 0])
        self._block = self  # no block

    def look_at(self, block, start: int, n: int) -> None:
        """Check that block[start:start+n] exists. Raises FramingError.

        The type of a block is checked when it is another one than before.
        """
        if block is not self._block:
            need("a block", block, "h", 0, FramingError)
            self._block = block
        if not 0 <= start <= start + n <= len(block) // self.channels:
            raise FramingError("a block of %d samples, not %d from %d" % (
                len(block) // self.channels, n, start))

    def copy(self, block, start: int, count: int, to: int) -> None:
        """Copy `count` samples of the block to frames[...][to:], holding missing ones."""
        spec = self._spec
        spec[1] = count
        spec[2] = to
        start *= self.channels
        for frame in self.frames:
            deinterleave(block, start, spec, frame)
            start += 1
        if self._missing is not None:
            for channel in range(self.channels):
                self._hold(channel, to, to + count)

    def _hold(self, channel: int, start: int, end: int) -> None:
        frame = self.frames[channel]
        missing = self._missing
        last = self._last[channel]
        held = self.held[channel]
        for i in range(start, end):
            value = frame[i]
            if value == missing:
                frame[i] = last
                if held < 32767:
                    held += 1
                self.missing_total = (self.missing_total + 1) & 0x3FFFFFFF
            else:
                last = value
                held = 0
        self._last[channel] = last
        self.held[channel] = held


class Framer(Buffers):
    """Windows of `window` samples, a new one every `hop` samples; each full window exactly once.

    hop < window overlaps, hop > window skips samples between windows. With `prime` the first
    sample fills the window, so the first window is ready after min(hop, window) samples.
    Raises FramingError.
    """

    def __init__(self, channels, window, hop, missing=None, fill=None, prime=False):
        check("window", window, 1, 8192)
        check("hop", hop, 1, 1 << 24)
        super().__init__(channels, window, missing, fill)
        self.window = window
        self.hop = hop
        self._primed = prime
        self.restart()
        keep = window - hop
        self._newest = None
        if keep > 0:
            views = [memoryview(frame) for frame in self.frames]
            self._newest = [view[hop:] for view in views]
            self._oldest = [view[:keep] for view in views]

    def feed(self, block, start: int, n: int) -> int:
        """Take samples block[start:start+n]; returns how many, fewer once a window is full.

        block: array('h'). Raises FramingError where it is anything else or shorter.
        """
        if self.ready or n <= 0:
            return 0
        self.look_at(block, start, n)
        skipped = 0
        if self._skip:
            skipped = min(self._skip, n)
            self._skip -= skipped
        count = self.window - self._filled
        if count > n - skipped:
            count = n - skipped
        if count <= 0:
            return skipped
        if self._prime:
            count = self._start(block, start + skipped, count)
        self.copy(block, start + skipped, count, self._filled)
        self._filled += count
        self.ready = self._filled == self.window
        return skipped + count

    def _start(self, block, start: int, count: int) -> int:
        """Fill the window with the first sample, ahead of its place; returns what now fits."""
        self._prime = False
        total = self.missing_total
        self._filled = max(0, self.window - self.hop)
        for i in range(self._filled):
            self.copy(block, start, 1, i)
        for channel in range(self.channels):
            self.held[channel] = 0
        self.missing_total = total
        return min(count, self.window - self._filled)

    def release(self) -> None:
        """Give the window back; its newest window - hop samples start the next one."""
        self.ready = False
        if self._newest is None:
            self._filled = 0
            self._skip = self.hop - self.window
            return
        for channel in range(self.channels):
            self._oldest[channel][ALL] = self._newest[channel]
        self._filled = self.window - self.hop

    def restart(self) -> None:
        """Forget everything gathered, as after a gap in time; the next sample is the first."""
        self.ready = False
        self._prime = self._primed
        for channel in range(self.channels):
            self._last[channel] = self._fill[channel]
            self.held[channel] = 0
        self._filled = 0
        self._skip = 0
