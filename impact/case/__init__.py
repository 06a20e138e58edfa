"""A case: a folder of small cited tables, read, checked, and seen as of a day."""
