"""Settings of the desk."""

SECRET_KEY = "only-for-tests"
INSTALLED_APPS = ["tickets"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TEST_RUNNER = "desk.runner.Runner"
USE_TZ = True
