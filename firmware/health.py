# SPDX-License-Identifier: Apache-2.0
"""What the device knows about itself: heap, failures, raw bytes seen against bytes sent."""

ARTEFACTS = ("raw", "features", "scores", "alarms", "summaries")
_KIB = 1024


class Account:
    """Bytes of one pipeline, and what its placement allows to leave the device.

    placement: artefact -> "never" | "on_alarm" | "always". Counters are kept as KiB and rest so
    that counting a window never makes an integer of 2**30 or more.
    """

    def __init__(self, placement: dict):
        self._placement = placement
        self.sent = {}
        for artefact in ARTEFACTS:
            self.sent[artefact] = 0
        self._raw_kib = 0
        self._raw_rest = 0

    def saw(self, count: int) -> None:
        """Count raw bytes that came from the sensor. Allocates nothing."""
        rest = self._raw_rest + count
        self._raw_kib += rest // _KIB
        self._raw_rest = rest % _KIB

    def allows(self, artefact: str, alarm: bool = False) -> bool:
        """Whether an artefact may leave now; `alarm`: an alarm is being reported."""
        policy = self._placement[artefact]
        return policy == "always" or (alarm and policy == "on_alarm")

    def due(self, artefact: str, alarm: bool) -> bool:
        """Whether an artefact of a window goes out: with each one, or with the one that alarms."""
        return self._placement[artefact] == ("on_alarm" if alarm else "always")

    def count(self, artefact: str, size: int) -> None:
        """Note bytes that were sent."""
        self.sent[artefact] += size

    def raw_bytes(self) -> int:
        """Bytes seen so far."""
        return self._raw_kib * _KIB + self._raw_rest

    def sent_bytes(self) -> int:
        """Bytes sent so far."""
        return sum(self.sent.values())

    def report(self) -> dict:
        """Raw, sent and their ratio."""
        raw, sent = self.raw_bytes(), self.sent_bytes()
        return {"raw": raw, "sent": sent, "ratio": raw // sent if sent else raw}


class Health:
    """Low-water marks of heap and stack, counters. gc: the module. boot: `slots`, or None.

    task_failures: so far. lost: name of a task that is gone for good, or None.
    """

    def __init__(self, gc, boot=None):
        self._gc = gc
        self._boot = boot
        try:
            from micropython import stack_use
        except ImportError:
            stack_use = None
        self._stack_use = stack_use
        self.task_failures = 0
        self.lost = None
        self.heap_free_min = 0
        self.stack_used_max = 0
        self.note()

    def note(self) -> None:
        """Update both marks (0 where the runtime can't tell); for the heap, right after gc."""
        if hasattr(self._gc, "mem_free"):
            free = self._gc.mem_free()
            if self.heap_free_min == 0 or free < self.heap_free_min:
                self.heap_free_min = free
        self.note_stack()

    def note_stack(self) -> None:
        """Update the mark of the stack; call it where calls are deep."""
        if self._stack_use is not None:
            self.stack_used_max = max(self.stack_used_max, self._stack_use())

    def report(self) -> dict:
        """The figures; uptime and boot id are on every record."""
        report = self._boot.report() if self._boot is not None else {}
        report["heap_free_min"] = self.heap_free_min
        report["stack_used_max"] = self.stack_used_max
        report["task_failures"] = self.task_failures
        return report
