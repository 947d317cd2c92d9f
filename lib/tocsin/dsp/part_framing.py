# SPDX-License-Identifier: Apache-2.0
"""Cut interleaved int16 samples into parts: one stroke, one screw, one image per frame."""

from tocsin.dsp.framing import Buffers, check


class PartFramer(Buffers):
    """One part per frame, up to `capacity` samples; `count` says how many it has.

    A part begins when `channel` reaches `start` and ends once the channel has stayed below `stop`
    for `hold` samples (which are not part of it), after `length` samples, or at `capacity`
    (then `truncated` is true). Parts shorter than `minimum` are dropped and counted in `short`.
    start None: everything between begin() and end() is the part (a gate input), or, with
    `length`, every `length` samples. Behind `count` a frame repeats the part's last sample.
    Before the first good sample of a part a missing one takes `fill`.
    Raises FramingError.
    """

    def __init__(self, channels, capacity, rule=None, missing=None, fill=None):
        check("capacity", capacity, 1, 8192)
        super().__init__(channels, capacity, missing, fill)
        rule = rule or {}
        self.capacity = capacity
        self._length = check("length", rule.get("length") or capacity, 1, capacity)
        self._start = rule.get("start")
        self._stop = self._start if rule.get("stop") is None else rule["stop"]
        if self._start is not None:
            check("start", self._start, -32767, 32767)
            check("stop", self._stop, -32768, self._start)
        self._channel = check("channel", rule.get("channel", 0), 0, channels - 1)
        self._hold_count = check("hold", rule.get("hold", 1), 1, capacity)
        self._minimum = check("minimum", rule.get("minimum", 1), 1, capacity)
        self._fixed = self._start is None and rule.get("length") is not None
        self.truncated = False
        self.short = 0
        self.count = 0
        self.ready = False
        self._begin()
        self._open = self._fixed

    def _begin(self) -> None:
        self.count = 0
        self.truncated = False
        self._below = 0
        self._open = True
        for channel in range(self.channels):
            self._last[channel] = self._fill[channel]

    def begin(self) -> None:
        """Open the gate: the next samples are the part."""
        if not self.ready:
            self._begin()

    def end(self) -> None:
        """Close the gate: the part is complete."""
        if self._open and not self.ready:
            self._finish(self.count)

    def feed(self, block, start: int, n: int) -> int:
        """Take samples block[start:start+n]; returns how many, fewer once a part is complete.

        block: array('h'). Raises FramingError where it is anything else or shorter.
        """
        taken = 0
        if n > 0:
            self.look_at(block, start, n)
        while taken < n and not self.ready:
            if self._start is None:
                if not self._open:
                    return n
                count = min(self._length - self.count, n - taken)
                self.copy(block, start + taken, count, self.count)
                self.count += count
                taken += count
            else:
                self._one(block, start + taken)
                taken += 1
            if self._open and self.count == self._length:
                self.truncated = not self._fixed and self._length == self.capacity
                self._finish(self.count - self._below)
        return taken

    def _one(self, block, at: int) -> None:
        """Feed one sample to the start/stop rule."""
        value = block[at * self.channels + self._channel]
        held = value == self._missing
        if not self._open:
            if held or value < self._start:
                return
            self._begin()
        self.copy(block, at, 1, self.count)
        self.count += 1
        if not held:
            self._below = self._below + 1 if value < self._stop else 0
            if self._below == self._hold_count:
                self._finish(self.count - self._below)

    def _finish(self, count: int) -> None:
        self._open = False
        self._below = 0
        self.count = count
        if count < self._minimum:
            self.short += 1
            self.release()
            return
        for channel in range(self.channels):
            frame = self.frames[channel]
            last = frame[count - 1]
            for i in range(count, self.capacity):
                frame[i] = last
        self.ready = True

    def restart(self) -> None:
        """Drop the part under way, as after a gap in time."""
        self.release()
        self._open = self._fixed

    def release(self) -> None:
        """Give the part back and wait for the next one."""
        self.ready = False
        self.count = 0
        if self._fixed:
            self._begin()
