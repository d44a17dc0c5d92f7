"""The only room that knows SQLAlchemy, drivers and engines: connect, reflect, select, load."""
