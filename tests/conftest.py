"""Settings of every test: how many examples the property tests try."""

import os

from hypothesis import HealthCheck, settings

# This machine is shared: a slow example is no failure.
settings.register_profile("usual", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", settings.get_profile("usual"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))
