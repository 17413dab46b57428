"""What the owner configured, read once and frozen."""
