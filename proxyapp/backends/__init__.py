"""The servers that answer: one file a kind."""
