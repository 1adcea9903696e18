"""The version, in its one place; the build and the changelog's check read it from here."""

__all__ = ["__version__"]

__version__ = "0.1.0.dev0"
