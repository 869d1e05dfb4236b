"""Tests of counting."""

from tally import tally


def test_words_are_counted():
    """Each word is counted."""
    assert tally(["a", "b", "a"]) == {"a": 2, "b": 1}
