# SPDX-License-Identifier: Apache-2.0
"""Bundles read from their file section by section, so that its bytes are never in RAM at once.

A file is what `open(path, "rb")` gives: seek, readinto, close.
"""
from binascii import crc32

from tocsin.models.bundle import Bundle, split
from tocsin.models.errors import BundleError

_CHUNK = 1024


class FileView:
    """`size` bytes of a file from byte `start` on; a slice reads, and is a bytearray."""

    def __init__(self, file, start: int, size: int):
        self.file = file
        self.start = start
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part) -> bytearray:
        """view[a:b] with 0 <= a <= b. Raises BundleError when the file ends before b."""
        start = part.start or 0
        stop = self._size if part.stop is None else min(part.stop, self._size)
        data = bytearray(max(stop - start, 0))
        self.file.seek(self.start + start)
        if len(data) and self.file.readinto(data) != len(data):
            raise BundleError("truncated at byte %d, copy it again" % (self.start + stop))
        return data

    def cut(self, start: int, stop: int) -> "FileView":
        """The view of some of the bytes; nothing is read."""
        return FileView(self.file, self.start + start, stop - start)


class FileBundle(Bundle):
    """A checked bundle of which only configuration and parts are in RAM; see `open_bundle`.

    crc      the last four bytes of the file
    streams  whether the network reads its weights from the file, which must then stay open
    """

    def __init__(self, name: str, view: FileView, places: dict, in_ram: int):
        self._in_ram = in_ram
        self._made = None
        self.streams = False
        self.crc = bytes(view[len(view) - 4:])
        super().__init__(name, view, places)

    def section(self, tag: str):
        """As in `Bundle`; the network and the self-test vectors are not read at once."""
        place = self._places.get(tag)
        if place is not None and tag in ("MLPN", "VECT"):
            return self._view.cut(place[0], place[1])
        return super().section(tag)

    def parts(self) -> tuple:
        """The (`KMeans` or None, `Mlp` or `Forest` or None) of the bundle, each time the same."""
        if self._made is None:
            self._made = super().parts()
        return self._made

    def _mlp(self, view):
        if len(view) <= self._in_ram:
            return super()._mlp(view)
        from tocsin.models.streamed import StreamedMlp
        self.streams = True
        return StreamedMlp(view, self.n_features)

    def close(self):
        """Close the file, which sections, `provenance` and streamed weights come from."""
        self._view.file.close()


def open_bundle(file, name: str = "model.tcb", in_ram: int = 1 << 30) -> FileBundle:
    """Check a bundle file without loading it whole.

    A network of more than `in_ram` bytes is streamed. The file stays open; whoever opened it
    closes it after a refusal. Raises `BundleError`, in one line.
    """
    try:
        size, crc = _checksum(file)
        view = FileView(file, 0, size)
        bundle = FileBundle(name, view, split(view, size, crc), in_ram)
        if _checksum(file) != (size, crc):
            raise BundleError("changed while it was read; load it again")
        return bundle
    except BundleError as error:
        reason = error
    except (OSError, ValueError) as error:
        reason = "not readable (%s)" % error
    except MemoryError:
        reason = "needs more memory than is free; train a smaller one"
    raise BundleError("%s: %s" % (name, reason))


def _checksum(file) -> tuple:
    """Size of the file, and the CRC-32 of all but its last four bytes."""
    size = file.seek(0, 2)
    buffer = memoryview(bytearray(_CHUNK))
    file.seek(0)
    crc = 0
    left = size - 4
    while left > 0:
        part = buffer[:min(left, _CHUNK)]
        if file.readinto(part) != len(part):
            raise BundleError("truncated at byte %d, copy it again" % (size - 4 - left))
        crc = crc32(part, crc)
        left -= len(part)
    return size, crc
