"""Templates of bodies: their settings, those that ship with Forwarder, and finding out what is left to `auto`. Compiles none."""
