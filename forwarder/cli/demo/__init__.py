"""`forwarder demo`: a broker, a real Forwarder, producers and receivers on this machine, and the judgement on what came out."""
