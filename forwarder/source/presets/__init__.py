"""Envelope presets, one small file each. A preset reads fields; it never changes a record."""
