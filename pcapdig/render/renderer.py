"""Items to text: the one door of this room.

In: items, and `Options`. Out: strings that end in a newline, ready to print. A `Renderer` belongs to one run, since
relative times and the closing colour reset depend on what was shown before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.render import terminal
from pcapdig.render.data import clipped, data_text, printable
from pcapdig.render.items import NOT_KNOWN, Event, Exchange, Gap, Item, Line, Table
from pcapdig.render.options import DataStyle, Options
from pcapdig.render.tables import table_json, table_text
from pcapdig.render.times import LocalClock, TimeColumn
from pcapdig.render.units import bytes_text

if TYPE_CHECKING:
    from collections.abc import Callable


class Renderer:
    """Shows items as the options say."""

    __slots__ = ("_clock", "_show", "options", "time_column")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._clock = LocalClock()
        self.time_column = TimeColumn(options.time, clock=self._clock)
        """The -t column; also for `%evt.outputtime` of a -p format, and told by the dig when the trace began."""
        self._show: dict[type, Callable[..., str]] = {
            Table: table_json if options.json else table_text,
            Line: self._line_json if options.json else self._line_text,
            Exchange: self._exchange_json if options.json else self._exchange_text,
            Event: self._event_json if options.json else self._event_text,
        }

    def text(self, item: Item) -> str:
        """Show one item."""
        return self._show[type(item)](item)

    def data(self, buffer: bytes, gaps: tuple[Gap, ...] = ()) -> str:
        """Show a buffer as the options say; for fields of a -p format."""
        return data_text(buffer, self.options.data, gaps)

    def _line_text(self, line: Line) -> str:
        text = line.text
        if not text.isprintable():
            text = "\t".join(map(printable, text.split("\t")))
        if line.time_ns is None:
            return f"{text}\n"
        return f"{self._clock.time_of_day(line.time_ns)} {text}\n"

    def _line_json(self, line: Line) -> str:
        if line.is_heading:
            return ""
        if not line.fields:
            return self._line_text(line)
        members: dict[str, object] = dict(line.fields)
        if line.time_ns is not None:
            members["evt.rawtime"] = line.time_ns
        return _object(members)

    def _exchange_text(self, exchange: Exchange) -> str:
        """Header and bytes.

        Red for what was read, blue for what was written, the data in the header's colour as sysdig has it.
        """
        colour = (terminal.BLUE if exchange.is_write else terminal.RED) if self.options.colour else ""
        header = f"------ {'Write' if exchange.is_write else 'Read'} {bytes_text(exchange.size_bytes)}"
        if exchange.connection is not None:
            header += " to" if exchange.is_write else " from"
        if self.options.containers:
            header += f" {self._container(exchange.container_id, colour)}"
        if exchange.connection is not None:
            header += f" {printable(exchange.connection)}"
        if self.options.verbose:
            header += f" ({_name(exchange.process)})"
        end = terminal.RESET if colour else ""
        return f"{colour}{header}\n{self.data(exchange.buffer, exchange.gaps)}{end}\n"

    def _exchange_json(self, exchange: Exchange) -> str:
        members: dict[str, object] = {
            "evt.arg.data": self.data(exchange.buffer, exchange.gaps),
            "evt.io_dir": "write" if exchange.is_write else "read",
            "evt.rawres": exchange.size_bytes,
            "evt.rawtime": exchange.time_ns,
            "proc.name": exchange.process,
            "proc.pid": exchange.pid,
        }
        if exchange.connection is not None:
            members["fd.name"] = exchange.connection
        if self.options.containers:
            members["container.id"] = exchange.container_id
        if exchange.gaps:
            members["missing_bytes"] = sum(gap.size_bytes for gap in exchange.gaps)
        return _object(members)

    def _container(self, container_id: str | None, back_to: str) -> str:
        """Give `[host]` in green, `[59fd49aa4072]` in cyan, and return to the header's colour."""
        text = f"[{_name(container_id)}]"
        if not self.options.colour:
            return text
        return f"{terminal.GREEN if container_id == 'host' else terminal.CYAN}{text}{back_to}"

    def _event_text(self, event: Event) -> str:
        time_text = self.time_column.text(event.time_ns, event.latency_ns)
        name, pid, kind = (
            _name(event.process),
            NOT_KNOWN if event.pid is None else str(event.pid),
            printable(event.type),
        )
        if self.options.colour:
            name = f"{terminal.BOLD_GREEN}{name}{terminal.RESET}"
            pid = f"{terminal.BOLD_CYAN}{pid}{terminal.RESET}"
            kind = f"{terminal.BOLD_BLUE}{kind}{terminal.RESET}"
        container = f"{self._container(event.container_id, '')}{terminal.RESET if self.options.colour else ''} "
        words = [f"{event.number} {time_text} {container if self.options.containers else ''}{name} ({pid})"]
        words += [event.direction, kind]
        words += [f"{key}={printable(str(value))}" for key, value in event.arguments]
        if event.buffer is not None:
            words.append(f"data={self._event_data(event.buffer, event.gaps)}")
        if event.connection is not None:
            words.append(f"tuple={printable(event.connection)}")
        return " ".join(words) + "\n"

    def _event_data(self, buffer: bytes, gaps: tuple[Gap, ...]) -> str:
        """Show the data of an event line; only the plain form is clipped."""
        if self.options.data is not DataStyle.DOTTED or self.options.verbose:
            return self.data(buffer, gaps)
        return clipped(self.data(buffer, gaps))

    def _event_json(self, event: Event) -> str:
        members: dict[str, object] = {
            "evt.dir": event.direction,
            "evt.num": event.number,
            "evt.outputtime": self.time_column.text(event.time_ns, event.latency_ns),
            "evt.rawtime": event.time_ns,
            "evt.type": event.type,
            "proc.name": event.process,
            "proc.pid": event.pid,
        }
        members.update((f"evt.arg.{key}", value) for key, value in event.arguments)
        if event.buffer is not None:
            members["evt.arg.data"] = self._event_data(event.buffer, event.gaps)
        if event.connection is not None:
            members["fd.name"] = event.connection
        if self.options.containers:
            members["container.id"] = event.container_id
        if event.gaps:
            members["missing_bytes"] = sum(gap.size_bytes for gap in event.gaps)
        return _object(members)


def _name(text: str | None) -> str:
    """Give a name safe to show, `<NA>` where there is none."""
    return NOT_KNOWN if text is None else printable(text)


def _object(members: dict[str, object]) -> str:
    """Give one JSON line, keys in alphabetical order.

    Everything but ASCII is escaped, so no control byte gets through.
    """
    import json  # only -j needs it

    return json.dumps(members, sort_keys=True, separators=(",", ":")) + "\n"
