"""Counts in C."""

from native._count import next

__all__ = ["next"]
