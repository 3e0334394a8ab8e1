"""From the text of a filter to steps that run, field by field."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from pcapdig.errors import UsageError
from pcapdig.filters import syntax
from pcapdig.filters.catalogue import lookup
from pcapdig.filters.comparisons import compile_test, needle_of
from pcapdig.filters.errors import FilterError
from pcapdig.filters.fields import Field, FieldType
from pcapdig.filters.plan import AndStep, EndStep, FlowStep, NotStep, OrStep, ProcessStep, RowStep, Step

if TYPE_CHECKING:
    from pcapdig.filters.values import Column, Index
    from pcapdig.trace.rows import Rows


@dataclasses.dataclass(slots=True)
class Needs:
    """What the comparisons of a filter look at besides the columns of their row."""

    buffer: bool = False
    """A payload."""
    history: bool = False
    """Packets before it."""


def compile_step(text: str) -> tuple[Step, Needs]:
    """What a filter that is not blank does, and what it needs for that.

    Raises:
        FilterError: any mistake, of syntax, name or type.
    """
    compiler = _Compiler(text)
    step = compiler.step(syntax.parse(text))
    return step, compiler.needs


class _Compiler:
    """Turns the tree into steps, field by field."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.needs = Needs()

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
        self.needs.buffer |= field.type is FieldType.BYTES
        self.needs.history |= field.uses_history
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
        if field.domain == "process":
            return ProcessStep(field, test)
        return RowStep(field, test, needle_of(check) if field.type is FieldType.BYTES else b"")

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
