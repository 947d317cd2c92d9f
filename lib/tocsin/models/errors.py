# SPDX-License-Identifier: Apache-2.0
"""The refusal of a bundle: apart from its parser, which a device drops when the model is built."""


class BundleError(ValueError):
    """The bundle was refused; the message is one line that says what to do."""


def refuse(what: str):
    """Raise the BundleError for contents that no packing tool of ours would write."""
    raise BundleError(what + " is not valid; pack it again")
