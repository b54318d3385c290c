"""Deliberate defects, each switched on in a real worker by a test-only launcher, and the proof that the judge catches them."""
