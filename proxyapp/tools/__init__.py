"""Make tool definitions and tool-call arguments valid; report every change."""
