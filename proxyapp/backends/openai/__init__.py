"""llama-server and every other OpenAI-compatible server."""
