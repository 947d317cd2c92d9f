# SPDX-License-Identifier: Apache-2.0
"""One score per window out of the parts of a bundle, and the reasons for it."""
from array import array

from tocsin.dsp.buffers import ALL
from tocsin.kernels import scale
from tocsin.kernels.arrays import ArrayError

_SCORE_MAX = 32767


class Scorer:
    """Scores feature vectors with a bundle's scaler, clusters and network.

    score    Q8 of the last vector: 256 = edge of normal, 0..32767, before smoothing
    label    class index of the last vector, -1 without a classifier
    kmeans   the `KMeans` part or None; its `.score` is that part's own Q8
    network  the `Mlp` or `Forest` part or None; likewise

    Every buffer is made here; `score()` allocates nothing.
    """

    def __init__(self, bundle):
        self.n_features = bundle.n_features
        self.kmeans, self.network = bundle.parts()
        self._scaler = bundle.scaler
        # the vector is copied, as that checks its type and length without an allocation
        self._vector = memoryview(array("h", [0] * bundle.n_features))
        self._z = array("h", [0] * bundle.n_features)
        self._network_scaler = bundle.network_scaler
        self._network_z = self._z
        if self._network_scaler is not None:
            self._network_z = array("h", self._z)
        decision = bundle.decision
        self._weighted = decision["combine"] == "weighted"
        self._kmeans_weight = decision["weights"]["kmeans"]
        self._network_weight = decision["weights"]["network"]
        self._weight_sum = self._kmeans_weight + self._network_weight
        self._kmeans_edge = decision["thresholds"]["kmeans"]
        self._network_edge = decision["thresholds"]["network"]
        self._kmeans_score = self._network_score = -1
        self.last = 0
        self.label = -1

    def score(self, vector) -> int:
        """Score one feature vector, array('h') of n_features. Returns Q8, 0..32767.

        Raises ArrayError for a vector of another type or length.
        """
        own = self._vector
        try:
            own[ALL] = vector
        except (TypeError, ValueError, NotImplementedError):
            raise ArrayError("a feature vector must be array('h') of %d" % self.n_features)
        z = self._z
        scale(own, self._scaler, z)
        near = net = -1
        if self.kmeans is not None:
            near = (self.kmeans.update(z) << 8) // self._kmeans_edge
            if near > _SCORE_MAX:
                near = _SCORE_MAX
        network = self.network
        if network is not None:
            if self._network_scaler is not None:
                z = self._network_z
                scale(own, self._network_scaler, z)
            net = (network.update(z) << 8) // self._network_edge
            if net > _SCORE_MAX:
                net = _SCORE_MAX
            self.label = network.label
        self._kmeans_score = near
        self._network_score = net
        if self._weighted and near >= 0 and net >= 0:
            near = (near * self._kmeans_weight + net * self._network_weight) // self._weight_sum
        elif net > near:
            near = net
        self.last = near
        return near

    def reasons(self, count: int = 3) -> list:
        """The features that contributed most to the last score, largest first.

        Returns up to `count` pairs (feature index, share in 1/256 of the whole), from the part
        that counted most. Computed only here; allocates. Empty when nothing contributed.
        """
        near = self._kmeans_score
        net = self._network_score
        if self._weighted and self.kmeans is not None and self.network is not None:
            near *= self._kmeans_weight
            net *= self._network_weight
        if self.kmeans is None or (self.network is not None and net > near):
            shares = self.network.contributions(self._network_z)
        else:
            shares = self.kmeans.contributions(self._z)
        total = sum(shares)
        found = []
        for _ in range(min(count, len(shares))):
            top = 0
            for i in range(1, len(shares)):
                if shares[i] > shares[top]:
                    top = i
            share = (shares[top] << 8) // total if total else 0
            if share == 0:
                break
            found.append((top, share))
            shares[top] = -1
        return found
