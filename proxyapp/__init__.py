"""A gateway for language models: every client dialect on one port."""

__version__ = "0.1.0"
