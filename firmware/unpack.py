# SPDX-License-Identifier: Apache-2.0
"""Bytes of a sensor's FIFO to int16 samples; unpack_viper.py does the same faster."""


def unpack(source, target, spec) -> None:
    """Fill target (int16, interleaved) from the bytes of source.

    spec: array('h') of samples, bytes per sample, words per sample, then for each word the
    offsets of its low and its high byte within the sample.
    """
    samples, stride, words = spec[0], spec[1], spec[2]
    at = to = 0
    for _ in range(samples):
        for word in range(3, 3 + 2 * words, 2):
            value = source[at + spec[word]] | source[at + spec[word + 1]] << 8
            target[to] = value - 65536 if value > 32767 else value
            to += 1
        at += stride
