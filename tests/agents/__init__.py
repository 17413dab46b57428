"""Real coding agents from npm, run offline against the gateway."""
