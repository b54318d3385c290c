"""Joins the stages at run time: chunks to lanes, lanes to attempts, checkpoints to Kafka. Holds no format and no policy."""
