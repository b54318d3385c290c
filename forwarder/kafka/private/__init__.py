"""The only place that touches private things of Faust and aiokafka; `table` lists each with its reason."""
