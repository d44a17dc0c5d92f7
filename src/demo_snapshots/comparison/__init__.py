"""Keyed rows of documents, compared: which rows and which cells differ."""
