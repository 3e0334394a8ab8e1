"""A compiled filter, and how one is made from text."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.errors import UsageError
from pcapdig.filters import syntax
from pcapdig.filters.catalogue import lookup
from pcapdig.filters.comparisons import compile_test
from pcapdig.filters.errors import FilterError
from pcapdig.filters.fields import Field, FieldType
from pcapdig.filters.plan import AndStep, EndStep, FlowStep, NotStep, OrStep, ProcessStep, RowStep, Step

if TYPE_CHECKING:
    from pcapdig.filters.values import Bools, Column, Index
    from pcapdig.trace.rows import Rows


class Filter:
    """Which rows pass. Made by `compile_filter`; joined with `&`.

    It keeps what it found out of a trace's flows and processes, so one filter is for one thread.
    """

    __slots__ = ("_step", "text", "uses_buffer")

    def __init__(self, text: str, step: Step | None, *, uses_buffer: bool) -> None:
        """`step` None lets all pass. Callers use `compile_filter`."""
        self._step = step
        self.text = text
        """The filter as it was written; blank if all pass."""
        self.uses_buffer = uses_buffer
        """Some comparison needs a payload, so the rows given must be reassembled messages."""

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    def __and__(self, other: Filter) -> Filter:
        """What passes both."""
        if self._step is None:
            return other
        if other._step is None:
            return self
        text = f"({self.text}) and ({other.text})"
        return Filter(text, AndStep([self._step, other._step]), uses_buffer=self.uses_buffer or other.uses_buffer)

    @property
    def passes_all(self) -> bool:
        """Nothing is asked."""
        return self._step is None

    def mask(self, rows: Rows) -> Bools:
        """Which rows pass."""
        everywhere = np.ones(len(rows), dtype=np.bool_)
        return everywhere if self._step is None else self._step.mask(rows, everywhere)

    def candidates(self, rows: Rows) -> Bools:
        """For rows that are packets: which may belong to a message that passes.

        What a message need not share with its packets (payload, size, time, number) counts as unknown; so none is left out that could
        pass, and some are let in that will not.
        """
        return np.ones(len(rows), dtype=np.bool_) if self._step is None else self._step.outlook(rows)[0]


ALWAYS = Filter("", None, uses_buffer=False)
"""Lets all pass."""


def compile_filter(text: str) -> Filter:
    """The filter that a text means. Blank text is `ALWAYS`.

    Raises:
        FilterError: (a UsageError) any mistake, of syntax, name or type; nothing is left to go wrong when the filter runs.
    """
    if not text.strip(syntax.BLANKS):
        return ALWAYS
    compiler = _Compiler(text)
    step = compiler.step(syntax.parse(text))
    return Filter(text.strip(syntax.BLANKS), step, uses_buffer=compiler.uses_buffer)


class _Compiler:
    """Turns the tree into steps, field by field."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.uses_buffer = False

    def step(self, node: syntax.Node) -> Step:
        match node:
            case syntax.Not(part):
                return NotStep(self.step(part))
            case syntax.And(parts):
                return AndStep([self.step(part) for part in parts])
            case syntax.Or(parts):
                return OrStep([self.step(part) for part in parts])
            case syntax.Check():
                return self.check(node)

    def check(self, check: syntax.Check) -> Step:
        try:
            field = lookup(check.field)
        except UsageError as error:
            raise FilterError(str(error), self.text, check.offset) from None
        if field.print_only:
            raise FilterError(f"{field.name} is only for output and cannot be compared", self.text, check.offset)
        if field.of_argument is not None:
            return self.distance(field, check)
        if check.argument is not None:
            raise FilterError(f"{field.name} takes no argument in brackets", self.text, check.offset + len(check.field))
        if field.type is FieldType.BYTES:
            self.uses_buffer = True
        return self.compare(field, check)

    def compare(self, field: Field, check: syntax.Check) -> Step:
        if field.either is not None:
            parts = [self.compare(part, check) for part in field.either]
            return AndStep(parts) if check.operator == "!=" else OrStep(parts)
        if field.ends is not None:
            client, server = (FlowStep(end, compile_test(end, check, self.text)) for end in field.ends)
            return EndStep(client, server)
        test = compile_test(field, check, self.text)
        if field.domain == "flow":
            return FlowStep(field, test)
        return ProcessStep(field, test) if field.domain == "process" else RowStep(field, test)

    def distance(self, field: Field, check: syntax.Check) -> Step:
        """`field[A]=N`: at most N away from A."""
        of_argument = field.of_argument
        assert of_argument is not None
        given = check.argument or ""
        if not re.fullmatch(r"[0-9]{1,19}", given, re.ASCII) or int(given) >= 2**63:
            message = (
                f"{field.name} needs {field.argument} in brackets, a decimal number: {field.name}[{field.argument}]=N"
            )
            raise FilterError(message, self.text, check.offset + len(check.field))
        if check.operator != "=":
            raise FilterError(f"{field.name} is compared only with '='", self.text, check.operator_offset)
        centre = int(given)

        def column(rows: Rows, index: Index) -> Column:
            return of_argument(rows, index, centre)

        test = compile_test(field, dataclasses.replace(check, operator="<="), self.text)
        return RowStep(dataclasses.replace(field, of_rows=column), test)
