"""How property tests are run, wherever in the checkout they are."""

from hypothesis import HealthCheck, settings

# No test fails for being slow: a machine that is busy has found no bug.
settings.register_profile("house", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
