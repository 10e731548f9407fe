"""What is written appears whole or not at all: one file, one folder, or files of a folder together.

Everything is written under a hidden name beside its place, `.NAME.XXXXXXXX.partial`, made durable,
and then given its name in one step. A process that is killed leaves at most such a hidden name,
and the next run in that place removes it (``leftovers``).
"""

from poolwise.files.atomic import AtomicFile, atomic_write, os_errors_as
from poolwise.files.durable import real_path, sync_path, sync_tree
from poolwise.files.folder import folders_above, hidden_folder, whole_folder
from poolwise.files.leftovers import clear_leftovers, leftovers, remove_folder, remove_unfinished
from poolwise.files.pair import publish_pair
from poolwise.files.replace import replace_files

__all__ = [
    "AtomicFile",
    "atomic_write",
    "clear_leftovers",
    "folders_above",
    "hidden_folder",
    "leftovers",
    "os_errors_as",
    "publish_pair",
    "real_path",
    "remove_folder",
    "remove_unfinished",
    "replace_files",
    "sync_path",
    "sync_tree",
    "whole_folder",
]
