"""GitHub Copilot, reached through pi-ai in a Node process of its own."""
