"""The frozen types that travel between the rooms.

Nothing here knows an engine, a file or a terminal. Sequences are tuples, in the order the
docstring names; text is ``str``; times are aware UTC ``datetime``; sizes are bytes.
"""
