"""What the scanner asks about chisels and filters, answered by their rooms, which are loaded only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def checked(self, name: str) -> str:
        """Give the name back.

        Raises:
            UsageError: there is no such chisel; the nearest one is named.
        """
        return self.library().find(name).name

    def signature(self, name: str) -> tuple[Argument, ...]:
        """Arguments of a chisel."""
        return self.library().find(name).args

    def check_filter(self, text: str) -> None:
        """Raise FilterError if the text is not a filter."""
        from pcapdig.filters import compile_filter  # loads numpy: 0.1 s that listings need not wait

        compile_filter(text)
