"""Numbered changes of the schema, forward only; ``db/migrate.py`` runs them, each in a transaction with its record."""
