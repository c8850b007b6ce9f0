"""The asset graph: thin functions that load, call the domain, and store."""
