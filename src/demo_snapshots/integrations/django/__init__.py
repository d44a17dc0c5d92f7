"""A Django application: the commands as management commands, demo rows in test cases, a check.

Add ``demo_snapshots.integrations.django`` to INSTALLED_APPS; ``docs/django.md`` shows the rest.
"""

import lazy_loader

# Django imports this before its own applications are ready, and models with it.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
