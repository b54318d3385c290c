"""Event sets that ship with Forwarder: one YAML file per product, and the catalogue that reads them."""
