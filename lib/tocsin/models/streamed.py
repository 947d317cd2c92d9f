# SPDX-License-Identifier: Apache-2.0
"""Bundles that don't fit in RAM: sections come from the open file, weights block by block.

A file is what `open(path, "rb")` gives: seek, readinto, close. It stays open while the bundle is
in use and is never trusted: each block is compared with its sum of the time when the whole file
was checked, so a score is never made of other weights than those that were accepted.
"""
from array import array
from binascii import crc32

from tocsin.kernels import check_words, fc_s8
from tocsin.models.bundle import Bundle, BundleError, refuse, split
from tocsin.models.mlp import AUTOENCODER, Mlp

BLOCK = 10240
_MIN_BLOCK = 1024
_MAX_FILE = 1 << 24


class WeightsError(OSError):
    """Weights could not be read, or are not those that were checked; there is no score."""


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


class StreamedBundle(Bundle):
    """A checked bundle that keeps only its configuration in RAM; made by `open_bundle`."""

    def __init__(self, name: str, view: FileView, places: dict, in_ram: int, block: int):
        self._in_ram = in_ram
        self._block = block
        self._network = None
        super().__init__(name, view, places)

    def section(self, tag: str):
        """As in `Bundle`; the network and the self-test vectors are not read at once."""
        place = self._places.get(tag)
        if place is not None and tag in ("MLPN", "VECT"):
            return self._view.cut(place[0], place[1])
        return super().section(tag)

    def _mlp(self, view):
        if len(view) <= self._in_ram:
            return Mlp(view, self.n_features)
        if self._network is None:
            self._network = StreamedMlp(view, self.n_features, self._block)
        return self._network

    def close(self):
        """Close the file; after that only what is in RAM works."""
        self._view.file.close()


class StreamedMlp(Mlp):
    """An `Mlp` that reads its weights again for every vector, in blocks of whole rows.

    Scores are those of `Mlp`, bit for bit. `update` allocates nothing where the file's `seek` and
    `readinto` don't, and raises WeightsError when a block can't be read or has changed. In RAM are
    activations, one block, and per output the 16 bytes that `fc_s8` wants.
    """

    def __init__(self, view: FileView, n_features: int, block: int = BLOCK):
        """`view` is the payload of MLPN, `block` the bytes read at a time (1024 or more)."""
        self._file = view.file
        self._buffer = memoryview(array("b", bytes(max(block, _MIN_BLOCK))))
        self._inputs = []
        self._outputs = []
        self._views = []
        self._seeks = array("i")
        super().__init__(view, n_features)
        self._sums = array("H", bytes(4 + 4 * len(self._params)))
        for i in range(len(self._params)):
            words = self._fetch(i, self._views[i])
            check_words(self._buffer, words, self._sums, 0)
            self._sums[2 * i + 2] = self._sums[0]
            self._sums[2 * i + 3] = self._sums[1]

    def _add_layer(self, view, at: int, end: int, params):
        stride = params[0]
        outputs = memoryview(self._values[-1])
        rows = len(self._buffer) // stride
        if rows > 4:
            rows &= ~3  # fc_s8 is fastest with four outputs at a time
        for first in range(0, params[1], rows):
            count = min(rows, params[1] - first)
            own = array("i", params[:8])
            own[1] = count
            own.extend(params[8 + 4 * first:8 + 4 * (first + count)])
            self._params.append(own)
            self._inputs.append(self._values[-2])
            self._outputs.append(outputs[first:first + count])
            self._views.append(self._buffer[:count * stride])
            self._seeks.append(0 if first else view.start + at)

    def _fetch(self, i: int, view) -> int:
        """Read block `i`, whose view of the buffer is `view`; returns how many words it has.

        The first block of a layer seeks, the others follow it.
        """
        file, at = self._file, self._seeks[i]
        if at:
            file.seek(at)
        size = file.readinto(view)
        if size != len(view):
            raise WeightsError("weights: the file has become shorter; deploy it again")
        return size >> 2

    def _run(self):
        """All layers, block by block: read, compare, multiply."""
        views, params, sums = self._views, self._params, self._sums
        inputs, outputs = self._inputs, self._outputs
        try:
            for i in range(len(params)):
                view = views[i]
                words = self._fetch(i, view)
                if check_words(view, words, sums, i + 1):
                    raise WeightsError("weights: block %d has changed; deploy it again" % i)
                fc_s8(inputs[i], view, params[i], outputs[i])
        except WeightsError:
            raise
        except (OSError, ValueError) as error:  # ValueError: CPython's for a closed file
            raise WeightsError("weights: not readable (%s)" % error) from None

    def contributions(self, z) -> list:
        """As `Mlp`'s for an autoencoder; all 0, so no reasons, for the other heads.

        Gradients run in bytecode over every weight, which would take a board seconds.
        """
        return super().contributions(z) if self.head == AUTOENCODER else [0] * len(z)


def open_bundle(file, name: str = "model.tcb", in_ram: int = 0, block: int = BLOCK):
    """Check a bundle file without loading it whole; returns the `StreamedBundle`.

    A network of more than `in_ram` bytes is streamed in blocks of `block` bytes. The file stays
    open; whoever opened it closes it after a refusal. Raises `BundleError`, in one line.
    """
    try:
        size, crc = _checksum(file)
        view = FileView(file, 0, size)
        bundle = StreamedBundle(name, view, split(view, size, crc), in_ram, block)
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
    if size > _MAX_FILE:
        refuse("size")
    buffer = memoryview(bytearray(_MIN_BLOCK))
    file.seek(0)
    crc = 0
    left = size - 4
    while left > 0:
        part = buffer[:min(left, _MIN_BLOCK)]
        if file.readinto(part) != len(part):
            raise BundleError("truncated at byte %d, copy it again" % (size - 4 - left))
        crc = crc32(part, crc)
        left -= len(part)
    return size, crc
