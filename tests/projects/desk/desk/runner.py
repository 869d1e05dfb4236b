"""The project's own runner: without it, the tests do not pass."""
import os

from django.test.runner import DiscoverRunner


class Runner(DiscoverRunner):
    def setup_test_environment(self, **kwargs):
        os.environ["DESK"] = "open"
        super().setup_test_environment(**kwargs)
