"""What the scanner asks about chisels and filters, answered by their rooms, which are loaded only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pcapdig.chisels.chisel import Chisel
    from pcapdig.chisels.library import Library
    from pcapdig.cli.chisel_call import Argument


class Book:
    """The chisels there are and the filter language, as `chisel_call.ChiselBook` wants them."""

    __slots__ = ("_directories",)

    def __init__(self, directories: Sequence[str] = ()) -> None:
        """`directories`: where to look for chisels besides the usual places."""
        self._directories = tuple(directories)

    def library(self) -> Library:
        """The chisels there are.

        Raises:
            UsageError: a directory is none.
        """
        from pcapdig.chisels.library import Library  # --help and --version need no chisels

        return Library(self._directories)

    def names(self) -> list[str]:
        """Names of all chisels."""
        return self.library().names()

    def has(self, name: str) -> bool:
        """Whether a word is the name of a chisel. Of most words that is known without looking at what the user has."""
        from pcapdig.chisels import registry

        if name in registry.names():
            return True
        could_be = name.replace("-", "_").isidentifier() and name not in ("not", "and", "or")
        return could_be and name in self.library().names()

    def find(self, name: str) -> type[Chisel]:
        """The chisel of that name.

        Raises:
            UsageError: there is none, or it is broken, or a directory is none.
        """
        from pcapdig.chisels import registry

        if not self._directories and registry.is_plain(name):
            return registry.find(name)  # most digs: what it takes to run files of others is not loaded
        return self.library().find(name)

    def checked(self, name: str) -> str:
        """Give the name back.

        Raises:
            UsageError: there is no such chisel; the nearest one is named.
        """
        return self.find(name).name

    def signature(self, name: str) -> tuple[Argument, ...]:
        """Arguments of a chisel."""
        return self.find(name).args

    def check_filter(self, text: str) -> None:
        """Raise FilterError if the text is not a filter."""
        from pcapdig.filters import compile_filter  # loads numpy: 0.1 s that listings need not wait

        compile_filter(text)
