"""What fits the commands and verbs into programs of others."""
