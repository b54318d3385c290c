"""What operators see: metrics, logs, health. Each occurrence is declared once; nothing is decided here."""
