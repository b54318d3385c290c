"""What is known about each payload format, as data: one YAML file per provider. Renders nothing, sends nothing."""
