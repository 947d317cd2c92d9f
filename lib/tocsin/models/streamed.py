# SPDX-License-Identifier: Apache-2.0
"""Networks whose weights don't fit in RAM: they are read from the bundle's file block by block.

The file stays open and is never trusted: each block is compared with its sum of the time when the
bundle was accepted, so a score is never made of other weights than those.
"""
from array import array

from tocsin.kernels import check_words, fc_s8
from tocsin.models.file import FileView
from tocsin.models.mlp import AUTOENCODER, Mlp

BLOCK = 10240
_MIN_BLOCK = 1024


class WeightsError(OSError):
    """Weights could not be read, or are not those that were checked; there is no score."""


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
