"""Counts more."""
