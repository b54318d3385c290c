"""Stage 1, events in: envelope presets, decoding, position guard, catch-up reading. Never decides who wants an event."""
