"""A module for each: Django finds commands by the names of files."""
