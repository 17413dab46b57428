"""Framing only: bytes in, values out; no sockets."""
