"""The contract with users: pydantic models, files, environment, secrets, reload. Never talks to Kafka or HTTP."""
