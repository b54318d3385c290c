"""Stage 5, what became of it: checkpoints, dead letters, ledger. Values and codecs; Kafka is reached through kafka/."""
