from .project import open_project as open_project
from .testing import DemoSnapshotsMixin as DemoSnapshotsMixin
