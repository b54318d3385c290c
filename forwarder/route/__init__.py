"""Stage 2, who gets it: filters, index, router. Pure functions of events; no I/O."""
