# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a board, in one line that says what to do."""


class BoardError(ValueError):
    """Base of them all."""


class ConfigError(BoardError):
    """A file of board_configs that is missing or wrong."""


class ImageError(BoardError):
    """A MicroPython image that is damaged or for another board."""


class WrongBoard(BoardError):
    """The board on the port is not what was asked for, or cannot take the files."""


class LinkLost(BoardError):
    """The port cannot be opened, or the board stopped answering."""
