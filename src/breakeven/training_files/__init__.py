"""Fine-tuning files: every form of them checked, counted and compared, and built from a log."""
