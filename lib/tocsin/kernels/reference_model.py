# SPDX-License-Identifier: Apache-2.0
"""Reference kernels on feature vectors: scaling, projection, k-means distances."""

from array import array


def scale(features: array, params: array, z: array) -> None:
    """Scale a feature vector: z = clamp((f - offset) * mult / 2**shift, rounded, +-4095).

    params is array('h') [n, offset, mult, shift, offset, mult, shift, ...] with |mult| < 2**13 and
    shift 0..28; features and z are array('h'); halves round up.
    """
    at = 1
    for i in range(params[0]):
        s = params[at + 2]
        x = (((features[i] - params[at]) * params[at + 1]) + ((1 << s) >> 1)) >> s
        z[i] = -4095 if x < -4095 else 4095 if x > 4095 else x
        at += 3


def matvec(z: array, matrix: array, params: array, u: array) -> None:
    """Multiply by a matrix: u = clamp(matrix z / 2**shift, rounded, +-4095).

    z is array('h') within +-4095, matrix array('h') [rows][cols] with a sum of magnitudes below
    2**18 in each row, params array('h') [rows, cols, shift], shift 0..18, u array('h'); halves
    round up.
    """
    cols = params[1]
    s = params[2]
    at = 0
    for i in range(params[0]):
        x = (1 << s) >> 1
        for j in range(cols):
            x += matrix[at] * z[j]
            at += 1
        x >>= s
        u[i] = -4095 if x < -4095 else 4095 if x > 4095 else x


def kmeans(z: array, centroids: array, params: array, distances: array) -> int:
    """Return the index of the nearest cluster, the first one of equals.

    z is array('h') of n values within +-4095, centroids array('h') [k][n] within +-4095, params
    array('i') [k, n, shift, 0, w, w, ...] with a weight per cluster, Q14, 0..16384: the smallest
    radius squared over the cluster's. distances, array('i') of k words, receives
    floor(sum((z - c)**2 >> shift) * w / 2**14), below 2**30. The sum stays there when
    n * 8190**2 >> shift does: shift 0 to n = 16, then 1 per doubling, 4 at n = 256.
    """
    n = params[1]
    s = params[2]
    at = 0
    best = 0
    least = 0x3FFFFFFF
    for i in range(params[0]):
        total = 0
        for j in range(n):
            d = z[j] - centroids[at]
            total += (d * d) >> s
            at += 1
        w = params[4 + i]
        total = (total >> 14) * w + ((total & 0x3FFF) * w >> 14)
        distances[i] = total
        if total < least:
            least = total
            best = i
    return best
