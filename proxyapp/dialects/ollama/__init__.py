"""Ollama's dialect: native NDJSON under ``/api``."""
