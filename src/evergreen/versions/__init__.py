"""What exists: versions of datasets, code, environments and models, their aliases and lineage."""
