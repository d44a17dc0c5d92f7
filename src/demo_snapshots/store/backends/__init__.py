"""Where bytes are kept: what any place does for the store (``base``), and each kind of place."""
