# SPDX-License-Identifier: Apache-2.0
"""Runs on the board: what it is, what lies on it; takes a pack in. Sent through the raw REPL."""

import binascii
import gc
import hashlib
import os
import sys

_PART = "/deploy.part"
_FOLDER = 0x4000
_BUFFER = memoryview(bytearray(1024))


def feed():
    """Keep a watchdog that already runs on an RP2 from biting; it is never started."""
    try:
        from machine import mem32
    except ImportError:
        return
    base = {4: 0x40058000, 7: 0x400D8000}.get(getattr(sys.implementation, "_mpy", 0) >> 10)
    if sys.platform == "rp2" and base and mem32[base] & 1 << 30:
        mem32[base + 4] = 0xFFFFFF


def block_device():
    """The device under the file system, None where this port has none that is known."""
    try:
        import rp2

        return rp2.Flash()
    except (ImportError, AttributeError):
        pass
    try:
        from esp32 import Partition

        data = Partition.TYPE_DATA
        return (Partition.find(data, label="vfs") + Partition.find(data, label="ffat"))[0]
    except (ImportError, IndexError):
        return None


def kind():
    """`littlefs`, `FAT` or what else the first sector says."""
    device = block_device()
    if device is None:
        return "unknown"
    sector = bytearray(512)
    device.readblocks(0, sector)
    if sector[8:16] == b"littlefs":
        return "littlefs"
    return "FAT" if sector[510:] == b"\x55\xaa" else "unknown"


def tell(path):
    """Print SHA-256, size and path of a file, read back from the flash."""
    made = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while True:
            n = file.readinto(_BUFFER)
            if not n:
                break
            made.update(_BUFFER[:n])
            size += n
    print(str(binascii.hexlify(made.digest()), "ascii"), size, path)


def facts():
    """One line: everything the checks need to know about this board."""
    gc.collect()
    space = os.statvfs("/")
    found = sys.implementation
    print(repr({
        "version": tuple(found.version)[:3],
        "machine": getattr(found, "_machine", ""),
        "build": getattr(found, "_build", ""),
        "mpy": getattr(found, "_mpy", 0),
        "platform": sys.platform,
        "file_system": kind(),
        "block": space[0],
        "free": space[0] * space[3],
        "total": space[0] * space[2],
    }))


def files(paths):
    """A line with SHA-256, size and path for each of these files and those in these folders."""
    for path in paths:
        try:
            kind = os.stat(path)[0]
        except OSError:
            continue
        (folder if kind & _FOLDER else tell)(path)


def folder(path):
    """The same for everything in a folder."""
    for entry in os.ilistdir(path):
        feed()
        (folder if entry[1] & _FOLDER else tell)(path + "/" + entry[0])


def r(text):
    """Append one piece, given in base64. What was closed stays, whenever the power goes."""
    feed()
    with open(_PART, "ab") as file:
        file.write(binascii.a2b_base64(text))
    gc.collect()


def store(path, text):
    """Write a small file whole."""
    with open(path, "wb") as file:
        file.write(text)


def remove(path):
    try:
        os.remove(path)
    except OSError:
        pass


def format_littlefs():
    """Make a new, empty file system in place of the one that is mounted."""
    device = block_device()
    os.umount("/")
    os.VfsLfs2.mkfs(device)
    os.mount(device, "/")
