"""Stage 4, over HTTP: payload, authentication, signature, client, verdict, back-off. Never touches Kafka or lanes."""
