"""Every test runs with array shapes checked against the signatures' jaxtyping annotations."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")

from jaxtyping import install_import_hook

install_import_hook("fredholm", "beartype.beartype")
