"""One schema, one transaction, migrations. SQLite here; nothing in the schema is SQLite's alone."""
