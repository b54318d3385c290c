"""Payload formats, one small file each: events to body bytes. Deterministic: same events, same bytes."""
