"""Evergreen from a Python program."""
