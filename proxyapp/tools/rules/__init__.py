"""The repair rules: one function each, in the order of ``table.RULES``."""
