"""The Node process of the Copilot backend, run for real against a played Copilot."""
