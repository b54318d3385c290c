"""Frozen values that the stages exchange. No I/O; imports nothing of ours but clock and errors."""
