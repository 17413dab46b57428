"""The vocabulary every dialect and backend meets in; imports nothing."""
