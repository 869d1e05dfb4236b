"""What holds in every state of click, also between two files of one change."""

from importlib.metadata import files

import user


def test_click_is_installed():
    """It has modules, and has not to work for that."""
    assert user.__doc__ == "Uses click."
    assert any(path.name == "core.py" for path in files("click"))
