"""The suite gives the same answer everywhere; its long form, ``-m slow``, tries new data each time."""

from hypothesis import HealthCheck, settings

# How fast a machine is decides nothing.
settings.register_profile(
    "long", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("suite", settings.get_profile("long"), derandomize=True, database=None)


def pytest_configure(config):
    settings.load_profile("suite" if config.option.markexpr == "not slow" else "long")
