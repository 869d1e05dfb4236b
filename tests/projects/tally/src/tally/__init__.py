"""Counts."""


def tally(words):
    """Say how often each word is there."""
    return {word: words.count(word) for word in words}
