# SPDX-License-Identifier: Apache-2.0
"""Frames in, feature vector out: the features of one resolved configuration.

A resolved configuration (plain JSON, made by tools/train/resolve.py) has:

    window     samples per frame (capacity, for parts)
    hop        samples from one window to the next (streams)
    channels   list of {"name", "unit", "scale", "offset", "fill"?}
    domain     "waveform", "slow", "vector", "image", or "spectrum" (a frame holds magnitudes)
    missing    the sample value that stands for "no reading", or null
    features   list of {"kind", "channel", parameters of the kind}; see table.py
"""

from array import array

from tocsin.dsp.checks import FeatureError
from tocsin.kernels.arrays import need


def _group_class(module: str):
    """The class that computes a module's features (its name capitalised); imported only now."""
    loaded = __import__("tocsin.dsp." + module, None, None, (module,))
    return getattr(loaded, module[0].upper() + module[1:])


class Extractor:
    """Computes the feature vector of a window; allocates only when built or given other frames.

    Features that need the same spectrum, moments or scan share it. Raises FeatureError.
    """

    def __init__(self, config: dict):
        from tocsin.dsp.table import MODULE, check_config, outputs, row
        from tocsin.kernels.plan import COSINES

        check_config(config)
        self.groups = []
        self._frames = None
        self._channels = len(config["channels"])
        self._window = config["window"]
        keys = []
        buffers = {}
        at = 0
        for feature in config["features"]:
            if "channel" not in feature:
                feature = dict(feature, channel=0)
            group_class = _group_class(row(feature)[MODULE])
            key = [group_class] + [feature.get(name) for name in group_class.KEYS]
            if key not in keys:
                keys.append(key)
                self.groups.append(group_class(feature, config, buffers))
            self.groups[keys.index(key)].add(feature, at)
            at += outputs(feature)
        COSINES.clear()
        self.n_features = at
        self.vector = array("h", [0] * at)

    def extract(self, frames, count: int) -> array:
        """Compute the vector from one array('h') per channel; returns `vector`, int16.

        count: samples of the part; a stream's windows are always full. Passing the same list of
        frames every time allocates nothing. Raises FeatureError for frames or a count that do not
        fit; frames are checked when they are new, and must keep their length.
        """
        if frames is not self._frames:
            self._bind(frames)
        if not 0 < count <= self._window:
            raise FeatureError("%d samples, not 1 to %d" % (count, self._window))
        vector = self.vector
        for group in self.groups:
            group.run(count, vector)
        return vector

    def reset(self) -> None:
        """Forget the state of stateful features (EWMA, time since change)."""
        for group in self.groups:
            group.reset()

    def _bind(self, frames) -> None:
        if len(frames) != self._channels:
            raise FeatureError("%d channels, not %d" % (len(frames), self._channels))
        for frame in frames:
            need("a frame", frame, "h", self._window, FeatureError)
            if len(frame) != self._window:
                raise FeatureError("a frame of %d, not %d" % (len(frame), self._window))
        for group in self.groups:
            group.bind(frames, self.vector)
        self._frames = frames
