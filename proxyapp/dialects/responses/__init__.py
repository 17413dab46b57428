"""OpenAI Responses: items in, items out."""
