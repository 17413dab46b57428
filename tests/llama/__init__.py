"""Tests against a real llama-server."""
