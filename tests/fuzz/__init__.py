"""Coverage-guided fuzzing of what reads bytes that strangers wrote."""
