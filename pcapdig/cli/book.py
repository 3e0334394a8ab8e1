"""What the scanner asks about chisels and filters, answered by their rooms, which are loaded only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcapdig.cli.chisel_call import Argument


class Book:
    """The chisels there are and the filter language, as `chisel_call.ChiselBook` wants them."""

    __slots__ = ()

    def names(self) -> list[str]:
        """Names of all chisels."""
        from pcapdig.chisels import registry  # --help and --version need no chisels

        return registry.names()

    def checked(self, name: str) -> str:
        """Give the name back.

        Raises:
            UsageError: there is no such chisel; the nearest one is named.
        """
        from pcapdig.chisels import registry

        return registry.find(name).name

    def signature(self, name: str) -> tuple[Argument, ...]:
        """Arguments of a chisel."""
        from pcapdig.chisels import registry  # as above

        return registry.find(name).args

    def check_filter(self, text: str) -> None:
        """Raise FilterError if the text is not a filter."""
        from pcapdig.filters import compile_filter  # loads numpy: 0.1 s that listings need not wait

        compile_filter(text)
