"""Signature schemes over the exact body bytes, one small table. Made anew for each attempt."""
