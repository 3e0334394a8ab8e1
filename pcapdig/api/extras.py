"""Libraries that only some users have: each is an extra of the package, imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pcapdig.errors import HostError


class MissingLibraryError(HostError, ImportError):
    """An optional library is not installed; the text says how to install it."""


def need(module: str, extra: str) -> Any:
    """A module of an optional library.

    Raises:
        MissingLibraryError: the library is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != library:
            raise  # the library is there, and lacks something itself
        raise MissingLibraryError(f"this needs {library}: pip install 'pcapdig[{extra}]'", name=library) from error
