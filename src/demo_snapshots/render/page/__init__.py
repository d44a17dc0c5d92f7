"""Pages for the browser: one file, which loads nothing and runs nothing but its own script."""
