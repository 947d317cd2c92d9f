# SPDX-License-Identifier: Apache-2.0
"""What stays of a model bundle once it was accepted."""

from tocsin.models.smoothing import Decision


class Model:
    """crc (of the bundle), classes, extractor, scorer, decision.

    conf (resolved feature configuration), feature_names: None once the pipeline is built.
    streams: whether the scorer reads its weights from the open file. note: why the generated
    module beside the bundle is not used, or None.
    """

    def __init__(self, bundle, extractor, scorer, note):
        self.crc = bundle.crc
        self.conf = bundle.conf
        self.feature_names = bundle.feature_names
        self.classes = bundle.classes
        self.streams = bundle.streams
        self.extractor = extractor
        self.scorer = scorer
        self.decision = Decision(bundle.decision)
        self.note = note
