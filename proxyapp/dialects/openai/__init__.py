"""OpenAI: chat completions, completions, embeddings, models."""
