"""Uses click."""
