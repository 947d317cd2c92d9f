# SPDX-License-Identifier: Apache-2.0
"""For images of one's own: freeze what `python -m tools.mpy ARCH` compiled, firmware and library.

    include("TOCSIN/firmware/manifest.py", arch="armv6m")

in the manifest of the image; README.md here says how. boot.py and main.py stay files.
"""

options.defaults(arch="armv6m")

freeze_mpy("../build/board/" + options.arch, "firmware")
freeze_mpy("../build/board/" + options.arch + "/lib")
