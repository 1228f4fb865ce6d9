"""What strangers send (servers, files, rows) ends in a right answer or in one of our own errors, and soon.

One file a boundary. ``make test`` gives each a short run, ``make soak`` a long one (``AUDIOMCQ_FUZZ`` inputs each).
"""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, settings

INPUTS = int(os.environ.get("AUDIOMCQ_FUZZ", "100"))
"""Inputs that each test is given."""

fuzzed = settings(
    max_examples=INPUTS,
    deadline=timedelta(seconds=10),  # longer is a hang
    derandomize="AUDIOMCQ_FUZZ" not in os.environ,  # the short run is the same each time
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
"""Decorator of every test of this package."""
