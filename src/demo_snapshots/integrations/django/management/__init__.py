"""The commands, as Django's."""
