# SPDX-License-Identifier: Apache-2.0
"""First code after a reset: choose the slot and count the boot attempt, nothing else."""

from firmware import slots

slots.start()
