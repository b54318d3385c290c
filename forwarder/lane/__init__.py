"""Stage 3, one lane per webhook: window, state, flights, budget, timers. Pure decisions with time passed in; no I/O."""
