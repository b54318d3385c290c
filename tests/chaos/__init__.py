"""Real processes under a seeded plan of faults, and a judge of what came of it. `scripts/chaos` runs it."""
