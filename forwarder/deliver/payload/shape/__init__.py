"""The engine of formats that are data: a provider's tree compiled once, filled in for each event."""
