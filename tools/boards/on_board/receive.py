# SPDX-License-Identifier: Apache-2.0
"""Runs on the board: take the pack in, a piece at a time."""

import binascii
import gc
import os

_PART = "/deploy.part"


def r(text):
    """Append one piece, given in base64. What was closed stays, whenever the power goes."""
    feed()
    with open(_PART, "ab") as file:
        file.write(binascii.a2b_base64(text))
    gc.collect()


def store(path, text):
    """Write a small file whole."""
    with open(path, "wb") as file:
        file.write(text)


def remove(path):
    try:
        os.remove(path)
    except OSError:
        pass


def format_littlefs():
    """Make a new, empty file system in place of the one that is mounted."""
    device = block_device()
    os.umount("/")
    os.VfsLfs2.mkfs(device)
    os.mount(device, "/")
