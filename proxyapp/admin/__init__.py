"""What the owner asks of the gateway itself."""
