"""The only room that knows drivers and engines: connect, reflect, select, load."""
