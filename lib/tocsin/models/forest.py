# SPDX-License-Identifier: Apache-2.0
"""Decision trees on the scaled features, each leaf with its classes' shares.

Comparisons and additions only, so exact on every platform. Format of FRST: README.md.
"""
import struct
from array import array

from tocsin.models.errors import refuse

_HEADER = 12
_MAX_NODES = 16384
_MAX_TREES = 256
_MAX_CLASSES = 64
_MAX_DEPTH = 24


class Forest:
    """A classifier with the attributes of `Mlp`.

    votes      array('i') per class: shares summed over the trees, 255 each at most
    score      Q8: 256 + mean share of the best faulty class - that of the normal one, 1..511;
               0 when no class is normal
    label      index of the first largest vote
    n_classes  number of classes
    """

    def __init__(self, view, n_features: int):
        """`view` is the payload of FRST, copied here. Raises `BundleError`."""
        if len(view) < _HEADER:
            refuse("FRST")
        self.n_classes, trees, nodes, leaves, self.normal, _ = struct.unpack_from(
            "<HHHHhH", view, 0)
        if (not 2 <= self.n_classes <= _MAX_CLASSES or not 1 <= trees <= _MAX_TREES
                or not 1 <= leaves <= nodes <= _MAX_NODES
                or not -1 <= self.normal < self.n_classes
                or len(view) != _HEADER + 6 * nodes + 2 * trees + leaves * self.n_classes):
            refuse("FRST")
        at = _HEADER
        self._feature = array("h", bytes(view[at:at + 2 * nodes]))
        self._threshold = array("h", bytes(view[at + 2 * nodes:at + 4 * nodes]))
        self._right = array("H", bytes(view[at + 4 * nodes:at + 6 * nodes]))
        at += 6 * nodes
        self._roots = array("H", bytes(view[at:at + 2 * trees]))
        self._table = bytes(view[at + 2 * trees:])
        self._check(nodes, leaves, n_features)
        self.votes = array("i", [0] * self.n_classes)
        self.score = 0
        self.label = -1

    def _check(self, nodes: int, leaves: int, n_features: int):
        """Children lie after their only parent, so every walk ends at a leaf, and soon."""
        depth = bytearray(nodes)
        for root in self._roots:
            if root >= nodes or depth[root]:
                refuse("FRST root")
            depth[root] = 1
        for node in range(nodes):
            right = self._right[node]
            below = depth[node] + 1
            if self._feature[node] < 0:
                good = right < leaves
            else:
                good = (self._feature[node] < n_features and node + 1 < right < nodes
                        and not depth[node + 1] and not depth[right] and below <= _MAX_DEPTH)
                if good:
                    depth[node + 1] = depth[right] = below
            if not good or below == 1:
                refuse("FRST node")

    def update(self, z) -> int:
        """Classify one vector: z array('h') Q7 of n_features. Returns the score, Q8."""
        votes = self.votes
        for c in range(self.n_classes):
            votes[c] = 0
        for t in range(len(self._roots)):
            row = self._leaf(self._roots[t], z) * self.n_classes
            for c in range(self.n_classes):
                votes[c] += self._table[row + c]
        trees = len(self._roots)
        best = 0
        for c in range(self.n_classes):
            if votes[c] > votes[best]:
                best = c
        self.label = best
        faulty = self._faulty()
        if self.normal < 0:
            self.score = 0
        else:
            self.score = 256 + (votes[faulty] - votes[self.normal]) // trees
        return self.score

    def _leaf(self, node: int, z) -> int:
        while self._feature[node] >= 0:
            if z[self._feature[node]] <= self._threshold[node]:
                node += 1
            else:
                node = self._right[node]
        return self._right[node]

    def _faulty(self) -> int:
        best = 1 if self.normal == 0 else 0
        for c in range(best + 1, self.n_classes):
            if c != self.normal and self.votes[c] > self.votes[best]:
                best = c
        return best

    def contributions(self, z) -> list:
        """How much of the last verdict each feature accounts for (any unit, none negative).

        Every split on the way down raises or lowers the share of the class in question; the
        change is the split feature's (Saabas 2014). Allocates: for an alarm only.
        """
        wanted = self.label if self.normal < 0 else self._faulty()
        shares = [0] * len(z)
        for t in range(len(self._roots)):
            node = self._roots[t]
            here = self._mean_share(node, wanted)
            while self._feature[node] >= 0:
                feature = self._feature[node]
                left = z[feature] <= self._threshold[node]
                node = node + 1 if left else self._right[node]
                below = self._mean_share(node, wanted)
                shares[feature] += below - here
                here = below
        return [max(0, share) for share in shares]

    def _mean_share(self, node: int, wanted: int) -> int:
        """Share of a class, Q8, averaged over a subtree with each split halving the weight."""
        if self._feature[node] < 0:
            return self._table[self._right[node] * self.n_classes + wanted] << 8
        return (self._mean_share(node + 1, wanted)
                + self._mean_share(self._right[node], wanted)) >> 1
