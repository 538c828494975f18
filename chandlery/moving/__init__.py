"""A database into another, into a file and out of it; and whether what it holds is sound."""

from chandlery.moving.backup import backup
from chandlery.moving.copying import Copied, copy_database
from chandlery.moving.faults import Checked, Fault, check
from chandlery.moving.restore import restore

__all__ = ["Checked", "Copied", "Fault", "backup", "check", "copy_database", "restore"]
