"""From a model's name to the backend that serves it."""
