# The one table of public names: type checkers read it as it is, and __init__.py makes its lazy
# imports and __all__ of it. docs/api.md describes each name.

from .config.settings import Config as Config
from .config.settings import load_config as load_config
from .documents.opening import describe as describe
from .errors import DemoError as DemoError
from .errors import DocumentError as DocumentError
from .errors import ExportError as ExportError
from .errors import ExportNotFoundError as ExportNotFoundError
from .errors import ImportFailedError as ImportFailedError
from .errors import NotConfirmedError as NotConfirmedError
from .errors import ProtectedDatabaseError as ProtectedDatabaseError
from .model.results import CleanupResult as CleanupResult
from .model.results import ExportResult as ExportResult
from .model.results import ImportPlan as ImportPlan
from .model.results import ImportResult as ImportResult
from .model.results import Listing as Listing
from .model.results import RepairResult as RepairResult
from .model.results import Undoable as Undoable
from .model.results import ValidationResult as ValidationResult
from .model.results import Verification as Verification
from .operations.cleanup import cleanup_exports as cleanup_exports
from .operations.export import export_scenario as export_scenario
from .operations.import_ import import_from_file as import_from_file
from .operations.import_ import import_latest_scenario as import_latest_scenario
from .operations.import_ import import_scenario_version as import_scenario_version
from .operations.listing import get_latest_export_path as get_latest_export_path
from .operations.listing import list_exports as list_exports
from .operations.repair import repair_store as repair_store
from .operations.validate import validate_scenario as validate_scenario
from .operations.verify import validate_export_file as validate_export_file
from .operations.verify import verify_exports as verify_exports
from .project import Project as Project
from .project import open_project as open_project
from .store import open_store as open_store
