"""Tests of the repair rules."""
