# SPDX-License-Identifier: Apache-2.0
"""Files of the device: read whole, replace whole, append with a bound."""


class Store:
    """`os` is the module; `root` a path prefix that ends with a slash."""

    def __init__(self, os, root: str = "/"):
        self._os = os
        self._root = root

    def read(self, name: str, limit: int = 65536):
        """Content as bytes, or None when the file is missing, unreadable or above `limit`."""
        try:
            if self._os.stat(self._root + name)[6] > limit:
                return None
            with open(self._root + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def open(self, name: str):
        """The file, open for reading bytes, or None; the caller closes it."""
        try:
            return open(self._root + name, "rb")
        except OSError:
            return None

    def replace(self, name: str, data: bytes) -> bool:
        """Write a whole file: old or new after a power cut, never half. False when it failed."""
        path = self._root + name
        try:
            with open(path + ".new", "wb") as file:
                file.write(data)
            self._os.rename(path + ".new", path)
        except OSError:
            return False
        return True

    def append(self, name: str, line: str, max_bytes: int, files: int = 1) -> bool:
        """Add text to a file; before it would pass `max_bytes`, move it to NAME.1, .2 .. files-1.

        False when it is longer than `max_bytes` or the flash is full or failing.
        """
        path = self._root + name
        data = line.encode()
        if len(data) > max_bytes:
            return False
        try:
            if self._size(path) + len(data) > max_bytes:
                self._rotate(path, files)
            with open(path, "ab") as file:
                file.write(data)
        except OSError:
            return False
        return True

    def rotate(self, name: str, files: int) -> bool:
        """Move a file to NAME.1, .2 .. files-1 now. False when the flash is failing."""
        try:
            self._rotate(self._root + name, files)
        except OSError:
            return False
        return True

    def _size(self, path: str) -> int:
        try:
            return self._os.stat(path)[6]
        except OSError:
            return 0

    def _rotate(self, path: str, files: int) -> None:
        if files < 2:
            with open(path, "wb"):
                return
        for i in range(files - 1, 0, -1):
            older = path if i == 1 else "%s.%d" % (path, i - 1)
            if self._size(older):
                self._os.rename(older, "%s.%d" % (path, i))
