# SPDX-License-Identifier: Apache-2.0
"""Distance to the nearest cluster of normal, in units of that cluster's radius.

With the optional projection (a whitening matrix) the clusters live in the projected space; one
cluster then gives the Mahalanobis distance. Format of the KMNS and PROJ sections: README.md.
"""
import struct
from array import array

from tocsin.kernels import isqrt
from tocsin.kernels import kmeans as _nearest
from tocsin.kernels import matvec as _project
from tocsin.kernels.arrays import need
from tocsin.models.errors import refuse

_LIMIT = 4095
_ROW_LIMIT = 262143
_SPAN_SQUARED = 8190 * 8190


class KMeans:
    """Scores a scaled feature vector against k clusters.

    raw     distance of the last vector, in units of the smallest radius (a plain integer)
    score   the same in Q8, 256 = edge of normal, saturated at 32767
    best    index of the cluster that was nearest by radius
    """

    def __init__(self, view, projection, n_features: int):
        """`view` and `projection` (or None) are section payloads. Raises `BundleError`."""
        self._matrix = None
        width = n_features
        if projection is not None:
            width = self._read_projection(projection, n_features)
        self._read_clusters(view, width)
        self._n_in = n_features
        self._z = self  # no vector
        self.raw = self.score = self.best = 0

    def _read_projection(self, view, n_features: int) -> int:
        if len(view) < 8:
            refuse("PROJ")
        rows, columns, shift, _ = struct.unpack_from("<HHHH", view, 0)
        if (columns != n_features or not 1 <= rows <= columns or shift > 18
                or len(view) != 8 + 2 * rows * columns):
            refuse("PROJ")
        matrix = array("h", bytes(view[8:]))
        for row in range(0, rows * columns, columns):
            if sum(abs(matrix[i]) for i in range(row, row + columns)) > _ROW_LIMIT:
                refuse("PROJ")
        self._matrix = matrix
        self._shape = array("h", [rows, columns, shift])
        self._projected = array("h", [0] * rows)
        return rows

    def _read_clusters(self, view, width: int):
        if len(view) < 12:
            refuse("KMNS")
        n, k, shift, self._mult, self._score_shift, _ = struct.unpack_from("<HHHHHH", view, 0)
        at = 12 + 2 * k
        if (n != width or not 1 <= k <= 64 or shift > 15 or n * (_SPAN_SQUARED >> shift) >= 1 << 30
                or not 1 <= self._mult < 16384 or self._score_shift > 29
                or len(view) != at + 2 * k * n):
            refuse("KMNS")
        self._params = array("i", [k, n, shift, 0])
        for weight in array("h", bytes(view[12:at])):
            if not 1 <= weight <= 16384:
                refuse("KMNS")
            self._params.append(weight)
        self._centroids = array("h", bytes(view[at:]))
        if max(self._centroids) > _LIMIT or min(self._centroids) < -_LIMIT:
            refuse("KMNS")
        self._distances = array("i", [0] * k)

    def update(self, z) -> int:
        """Score one vector: z array('h') Q7 of n_features. Returns Q8, 0..32767.

        z is checked when it is another one than before. Raises ArrayError.
        """
        if z is not self._z:
            need("a scaled vector", z, "h", self._n_in)
            self._z = z
        if self._matrix is not None:
            _project(z, self._matrix, self._shape, self._projected)
            z = self._projected
        self.best = _nearest(z, self._centroids, self._params, self._distances)
        self.raw = isqrt(self._distances[self.best])
        self.score = min((self.raw * self._mult) >> self._score_shift, 32767)
        return self.score

    def contributions(self, z) -> list:
        """How much of the last distance each feature accounts for (any positive unit).

        Without projection the squared difference to the nearest centroid; with one the
        reconstruction-based contribution (Alcala and Qin 2009): by how much the squared distance
        falls when that feature alone is free to move. Allocates: for an alarm, not for a window.
        """
        n = self._params[1]
        at = self.best * n
        if self._matrix is None:
            return [(z[i] - self._centroids[at + i]) ** 2 for i in range(n)]
        away = [self._projected[i] - self._centroids[at + i] for i in range(n)]
        columns = self._shape[1]
        shares = []
        for j in range(columns):
            slope = energy = 0
            for i in range(n):
                weight = self._matrix[i * columns + j]
                slope += weight * away[i]
                energy += weight * weight
            shares.append(slope * slope // energy if energy else 0)
        return shares
