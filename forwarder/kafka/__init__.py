"""The door to Kafka: everything of Faust and aiokafka that Forwarder touches. Decides nothing about events."""
