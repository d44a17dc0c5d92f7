"""Save the demo rows of a database as one plain SQL file, and put them back.

The public API has the same verbs as the ``demo`` command::

    import demo_snapshots

    project = demo_snapshots.open_project()
    project.export("general")
    project.import_("general")

``docs/api.md`` describes every public name. They are imported when they are first used, so that
importing the package costs nothing; the table of them is ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
