# SPDX-License-Identifier: Apache-2.0
"""Xtensa code with register windows (xtensawin: ESP32, S2, S3), run by qemu-system-xtensa.

One qemu runs as long as its machine lives. A small program in it, written below, obeys commands
that arrive on a pipe: write memory, read memory, call a function and report its result and the
number of instructions. The core is qemu's `de233_fpu`, not an ESP32: its RAM can be read by
bytes where an ESP32's instruction RAM cannot, and it has zero-overhead loops, which the ESP32-S2
has not.
"""

import os
import select
import shutil
import struct
import subprocess
import tempfile
import weakref

from host_tests.board.machine import Machine, MachineError
from host_tests.board.xtensa_opcodes import assemble

QEMU = shutil.which("qemu-system-xtensa")
MISSING = "qemu-system-xtensa is not installed (apt-get install qemu-system-misc)"

_ROM = 0xFE000000  # where the core starts
_PROGRAM_AT = 0x10000
_COMMAND = 0x18000
_STACK = 0x80000
_BASE = 0x100000
_SECONDS = 120
_TICKS = 1024 * 40 / 1000  # of CCOUNT per instruction: 2**10 ns of virtual time at 40 MHz
_WRITE, _READ, _CALL = 1, 2, 3

_BOOT = f"""
    j START
    .align 4
PS: .word 0x40000    # windows on, no exception
VECTORS: .word {_PROGRAM_AT}
MAIN: .word {_PROGRAM_AT + 0x400}
START:
    movi a2, 0
    wsr a2, windowbase
    wsr a2, intenable
    rsync
    movi a2, 1
    wsr a2, windowstart
    l32r a2, PS
    wsr a2, ps
    l32r a2, VECTORS
    wsr a2, vecbase
    rsync
    l32r a2, MAIN
    jx a2
"""

# Window vectors for calls that rotate by 8, as the instruction set manual has them; all others
# lead to STOPPED. Then the program: a1 stack, a7 where a command of seven words arrives and an
# answer of three leaves. simcall 1 exits, 3 reads, 4 writes (descriptor a3, address a4, size a5).
_OTHER = "    .align 64\n    j STOPPED\n"
_PROGRAM = f"""
{_OTHER * 2}
    .align 64
    s32e a0, a9, -16
    l32e a0, a1, -12
    s32e a1, a9, -12
    s32e a2, a9, -8
    s32e a3, a9, -4
    s32e a4, a0, -32
    s32e a5, a0, -28
    s32e a6, a0, -24
    s32e a7, a0, -20
    rfwo
    .align 64
    l32e a0, a9, -16
    l32e a1, a9, -12
    l32e a2, a9, -8
    l32e a7, a1, -12
    l32e a3, a9, -4
    l32e a4, a7, -32
    l32e a5, a7, -28
    l32e a6, a7, -24
    l32e a7, a7, -20
    rfwu
{_OTHER * 12}
    .align 64
    j START
    .align 4
STACK: .word {_STACK}
COMMAND: .word {_COMMAND}
START:
    l32r a1, STACK
    addi a2, a1, 64
    addi a3, a1, -16
    s32i a2, a3, 4
    l32r a7, COMMAND
NEXT:
    mov_n a12, a7
    movi a13, 28
    call0 READ
    l32i a12, a7, 4
    l32i a13, a7, 8
    l32i a2, a7, 0
    beqi a2, {_WRITE}, WRITE_MEMORY
    beqi a2, {_READ}, READ_MEMORY
    mov_n a8, a12
    l32i a10, a7, 12
    l32i a11, a7, 16
    l32i a12, a7, 20
    l32i a13, a7, 24
    rsr a6, ccount
    callx8 a8
    rsr a2, ccount
    sub a2, a2, a6
    s32i a2, a7, 8
    s32i a10, a7, 4
    movi a2, 0
    j ANSWER
STOPPED:    # an exception, or a call of a function that is not there: report it and end
    l32r a7, COMMAND
    rsr a2, epc1
    s32i a2, a7, 4
    rsr a2, exccause
    s32i a2, a7, 8
    movi a2, 1
ANSWER:
    s32i a2, a7, 0
    mov_n a12, a7
    movi a13, 12
READ_MEMORY:
    call0 WRITE
    j NEXT
WRITE_MEMORY:
    call0 READ
    j NEXT
EXIT:
    movi a2, 1
    movi a3, 0
    simcall
    .align 4
READ:       # a13 bytes to a12; the end of the pipe is the end of the machine
    beqz a13, DONE
    movi a2, 3
    movi a3, COMMANDS
    mov_n a4, a12
    mov_n a5, a13
    simcall
    blti a2, 1, EXIT
    add a12, a12, a2
    sub a13, a13, a2
    j READ
    .align 4
WRITE:      # a13 bytes from a12
    beqz a13, DONE
    movi a2, 4
    movi a3, ANSWERS
    mov_n a4, a12
    mov_n a5, a13
    simcall
    blti a2, 1, EXIT
    add a12, a12, a2
    sub a13, a13, a2
    j WRITE
DONE:
    ret_n
"""

_STUBS = {
    "end": "entry a1, 32\n retw_n",
    "identity": "entry a1, 32\n retw_n",
    "unknown": "isync\n ill",
    "divide": """
        entry a1, 32
        quos a4, a2, a3
        rems a5, a2, a3
        beqz a5, DONE
        xor a5, a5, a3
        bgez a5, DONE
        addi a4, a4, -1
    DONE:
        mov_n a2, a4
        retw_n""",
    "modulo": """
        entry a1, 32
        rems a4, a2, a3
        beqz a4, DONE
        xor a5, a4, a3
        bgez a5, DONE
        add a4, a4, a3
    DONE:
        mov_n a2, a4
        retw_n""",
}


class Xtensa(Machine):
    """A windowed Xtensa under qemu; `cycles` are instructions, counted by qemu, exact.

    A machine that stopped (MachineError) is of no further use.
    """

    arch = "xtensawin"
    base = _BASE

    def __init__(self) -> None:
        if QEMU is None:
            raise MachineError(MISSING)
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        program = _PROGRAM.replace("COMMANDS", str(commands)).replace("ANSWERS", str(answers))
        with tempfile.NamedTemporaryFile(suffix=".elf") as image:
            image.write(_elf((_ROM, _BOOT), (_PROGRAM_AT, program)))
            image.flush()
            self._qemu = subprocess.Popen(
                [QEMU, "-M", "sim", "-cpu", "de233_fpu", "-nographic", "-monitor", "none",
                 "-serial", "none", "-semihosting", "-icount", "shift=10", "-kernel", image.name],
                stdin=subprocess.DEVNULL, pass_fds=(commands, answers),
            )  # fmt: skip
            os.close(commands)
            os.close(answers)
            self._finalizer = weakref.finalize(self, _end, self._qemu, self._to, self._from)
            self._overhead = 0
            super().__init__()
            self.run(self._end, ())
        self._overhead, self.cycles = self.cycles - 2, 0

    def write(self, at: int, data: bytes) -> None:
        """Copy bytes to an address."""
        self._send(_WRITE, at, bytes(data))

    def read(self, at: int, n: int) -> bytes:
        """Bytes at an address."""
        os.write(self._to, struct.pack("<7I", _READ, at, n, 0, 0, 0, 0))
        return self._receive(n)

    def run(self, start: int, registers: tuple[int, ...]) -> int:
        """Call the windowed function at an address with a2..a5; returns a2."""
        words = (*registers, 0, 0, 0, 0)[:4]
        os.write(self._to, struct.pack("<7I", _CALL, start, 0, *words))
        stopped, result, ticks = struct.unpack("<3I", self._receive(12))
        if stopped:
            raise MachineError(f"exception {ticks} at {result:#x}")
        self.cycles += round(ticks / _TICKS) - self._overhead
        return result

    def _send(self, command: int, at: int, data: bytes) -> None:
        message = struct.pack("<7I", command, at, len(data), 0, 0, 0, 0) + data
        view = memoryview(message)
        while view:
            view = view[os.write(self._to, view) :]

    def _receive(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            if not select.select((self._from,), (), (), _SECONDS)[0]:
                self._finalizer()
                raise MachineError("does not end")
            part = os.read(self._from, n - len(data))
            if not part:
                raise MachineError("the machine stopped")
            data += part
        return data

    def _stub(self, what: str) -> int:
        return self.place(assemble(_STUBS[what], self.free)[0])


def _end(qemu: subprocess.Popen, *pipes: int) -> None:
    qemu.kill()
    qemu.wait()
    for pipe in pipes:
        os.close(pipe)


def _elf(*parts: tuple[int, str]) -> bytes:
    """An ELF file of assembler texts at their addresses."""
    codes = [assemble(source, at)[0] for at, source in parts]
    head = 52 + 32 * len(parts)
    segments = b""
    for (at, _), code in zip(parts, codes, strict=True):
        segments += struct.pack("<8I", 1, head, at, at, len(code), len(code), 7, 1)
        head += len(code)
    identity = b"\x7fELF\1\1\1" + bytes(9)
    n = len(parts)
    header = struct.pack("<2H5I6H", 2, 94, 1, _ROM, 52, 0, 0x300, 52, 32, n, 0, 0, 0)
    return identity + header + segments + b"".join(codes)


__all__ = ("MISSING", "QEMU", "Xtensa")
