"""From an operator and the words of a filter to a test of a column. Every mistake of type is found here, before any row is seen.

A test gives False where there is no value, for `!=` too.
"""

from __future__ import annotations

import fnmatch
import operator
import re
import socket
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pcapdig.filters import values
from pcapdig.filters.errors import FilterError
from pcapdig.filters.fields import Field, FieldType
from pcapdig.filters.values import Addresses, Bools, Buffers, Choices, Column, Flags, Numbers, Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pcapdig.filters.syntax import Check, Word

Test = Callable[[Column], Bools]
T = TypeVar("T", str, bytes)

_SETS = ("in", "intersects")
_EQUALITY = ("=", "!=", *_SETS)
_ORDER = ("<", "<=", ">", ">=")
_ORDERED: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_PARTS = ("contains", "icontains", "startswith", "endswith")
_TEXT_OPERATORS = (*_EQUALITY, *_ORDER, *_PARTS, "glob", "iglob", "regex", "pmatch")
_BYTES_OPERATORS = (*_EQUALITY, *_PARTS, "bcontains", "bstartswith", "regex")


def operators(field_type: FieldType) -> tuple[str, ...]:
    """The operators that a type of field has; all have `exists`."""
    if field_type is FieldType.TEXT:
        return _TEXT_OPERATORS
    if field_type is FieldType.BYTES:
        return _BYTES_OPERATORS
    if field_type.is_number or field_type is FieldType.PORT:
        return (*_EQUALITY, *_ORDER)
    return _EQUALITY


def compile_test(field: Field, check: Check, text: str) -> Test:
    """The test of one comparison. `text` is the whole filter, for messages.

    Raises:
        FilterError: the field's type has no such operator, or a value is not of that type.
    """
    if check.operator == "exists":
        return values.has_value
    known = operators(field.type)
    if check.operator not in known:
        kind = _KIND[field.type]
        message = f"{check.operator!r} does not compare {kind} such as {field.name}. It has: {' '.join(known)} exists"
        raise FilterError(message, text, check.operator_offset)
    if field.type is FieldType.TEXT:
        return _text_test(field, check, text)
    if field.type is FieldType.BYTES:
        return _bytes_test(check, text)
    if field.type is FieldType.BOOL:
        return _flag_test(check, text)
    if field.type is FieldType.ADDRESS:
        return _address_test(check, text)
    if field.type is FieldType.NETWORK:
        return _network_test(check, text)
    read = port if field.type is FieldType.PORT else number
    return _number_test(check.operator, [read(word, text) for word in check.words])


_KIND = {
    FieldType.TEXT: "a text",
    FieldType.BYTES: "bytes",
    FieldType.BOOL: "true or false",
    FieldType.UNSIGNED: "a number",
    FieldType.SIGNED: "a number",
    FieldType.ABSOLUTE_TIME: "a time in ns",
    FieldType.RELATIVE_TIME: "a time in ns",
    FieldType.ADDRESS: "an address",
    FieldType.NETWORK: "a network",
    FieldType.PORT: "a port",
}


def decoded(word: Word, text: str) -> str:
    """A value as text."""
    try:
        return word.data.decode()
    except UnicodeDecodeError:
        raise FilterError("the value is not UTF-8; only evt.buffer is compared as bytes", text, word.offset) from None


def number(word: Word, text: str) -> int:
    """A decimal integer of at most 64 bits, optionally with a minus. No units, no hexadecimal."""
    shown = decoded(word, text)
    if not re.fullmatch(r"-?[0-9]+", shown, re.ASCII):
        raise FilterError(
            f"{shown!r} is no number; it takes decimal digits, without unit (times are in ns)", text, word.offset
        )
    # Python refuses to convert thousands of digits, so the length is looked at first.
    value = int(shown) if len(shown) <= 20 else 2**63
    if not -(2**63) <= value < 2**63:
        raise FilterError(f"{shown[:40]!r} does not fit in 64 bits", text, word.offset)
    return value


def port(word: Word, text: str) -> int:
    """A port number from 0 to 65535, or the name of a service of /etc/services (TCP's, else UDP's)."""
    shown = decoded(word, text)
    if re.fullmatch(r"[0-9]+", shown, re.ASCII):
        if len(shown) > 20 or int(shown) > 65535:
            raise FilterError(f"{shown[:40]!r} is no port: they go from 0 to 65535", text, word.offset)
        return int(shown)
    if shown.isascii() and shown.isprintable():
        for protocol in ("tcp", "udp"):
            try:
                return socket.getservbyname(shown, protocol)
            except OSError:
                continue
    raise FilterError(f"{shown!r} is neither a port number nor a service of /etc/services", text, word.offset)


def address(word: Word, text: str) -> bytes:
    """A literal address as 16 bytes."""
    shown = decoded(word, text)
    packed = _packed(shown)
    if packed is None:
        hint = "; a network is compared with fd.net, fd.cnet, fd.snet" if "/" in shown else "; names are not looked up"
        raise FilterError(f"{shown!r} is no IPv4 or IPv6 address{hint}", text, word.offset)
    return packed


def network(word: Word, text: str) -> tuple[bytes, int]:
    """ADDRESS/BITS as 16 bytes and the number of leading bits of those that count. Host bits are allowed."""
    shown = decoded(word, text)
    start, slash, bits = shown.partition("/")
    packed = _packed(start)
    if packed is None or not slash:
        raise FilterError(f"{shown!r} is no network: write ADDRESS/BITS, such as 10.0.0.0/8", text, word.offset)
    width = 128 if ":" in start else 32
    if not re.fullmatch(r"[0-9]{1,3}", bits, re.ASCII) or int(bits) > width:
        raise FilterError(f"{bits!r} is no netmask: bits go from 0 to {width}", text, word.offset)
    return packed, int(bits) + 128 - width


def _packed(shown: str) -> bytes | None:
    if not shown.isascii() or not shown.isprintable():
        return None
    try:
        if ":" in shown:
            return socket.inet_pton(socket.AF_INET6, shown)
        return values.MAPPED_PREFIX + socket.inet_pton(socket.AF_INET, shown)
    except OSError:
        return None


def _flag_test(check: Check, text: str) -> Test:
    wanted = []
    for word in check.words:
        if word.data not in (b"true", b"false"):
            raise FilterError(f"{decoded(word, text)!r} is neither 'true' nor 'false'", text, word.offset)
        wanted.append(word.data == b"true")
    negative = check.operator == "!="

    def test(column: Column) -> Bools:
        assert isinstance(column, Flags)
        found = np.isin(column.values, wanted)
        return _where_present(~found if negative else found, column.present)

    return test


def _number_test(symbol: str, wanted: list[int]) -> Test:
    def test(column: Column) -> Bools:
        assert isinstance(column, Numbers)
        if symbol in _SETS:
            found: Bools = np.isin(column.values, np.array(wanted, dtype=np.int64))
        else:
            found = _ORDERED[symbol](column.values, wanted[0])
        return _where_present(found, column.present)

    return test


def _address_test(check: Check, text: str) -> Test:
    wanted = [address(word, text) for word in check.words]
    return _packed_test([(packed, 128) for packed in wanted], negative=check.operator == "!=")


def _network_test(check: Check, text: str) -> Test:
    return _packed_test([network(word, text) for word in check.words], negative=check.operator == "!=")


def _packed_test(networks: Sequence[tuple[bytes, int]], *, negative: bool) -> Test:
    """Whether an address lies in any of some networks. One of IPv6 does not hold IPv4 addresses, though they are written in 16 bytes."""
    masks = [_mask_words(bits) for _, bits in networks]
    starts = [np.frombuffer(packed, dtype=">u8").astype(np.uint64) for packed, _ in networks]
    prefix = np.frombuffer(values.MAPPED_PREFIX, dtype=np.uint8)

    def test(column: Column) -> Bools:
        assert isinstance(column, Addresses)
        words = np.ascontiguousarray(column.packed).view(">u8").astype(np.uint64)
        found = np.zeros(len(words), dtype=np.bool_)
        for (packed, bits), mask, start in zip(networks, masks, starts, strict=True):
            inside = ((words & mask) == (start & mask)).all(axis=1)
            if bits < 96 and not packed.startswith(values.MAPPED_PREFIX):
                inside &= (column.packed[:, :12] != prefix).any(axis=1)
            found |= inside
        return _where_present(~found if negative else found, column.present)

    return test


def _mask_words(bits: int) -> NDArray[np.uint64]:
    whole = ((1 << bits) - 1) << (128 - bits)
    return np.array([whole >> 64, whole & (2**64 - 1)], dtype=np.uint64)


def _where_present(found: Bools, present: Bools | None) -> Bools:
    return found if present is None else np.logical_and(found, present)


def _text_test(field: Field, check: Check, text: str) -> Test:
    if field.choices and check.operator in _EQUALITY:
        for word in check.words:
            if decoded(word, text) not in field.choices:
                message = f"{decoded(word, text)!r} is no value of {field.name}. Values: {' '.join(field.choices)}"
                raise FilterError(message, text, word.offset)
    if check.operator == "regex":
        passes = _regex(decoded(check.words[0], text), check, text, 0)
    else:
        passes = _text_predicate(check.operator, [decoded(word, text) for word in check.words])

    def test(column: Column) -> Bools:
        if isinstance(column, Choices):
            by_code = [passes(name) for name in column.names]
            return np.array([*by_code, False], dtype=np.bool_).take(column.codes)
        assert isinstance(column, Texts)
        found = (text is not None and passes(text) for text in column.values)
        return np.fromiter(found, dtype=np.bool_, count=len(column.values))

    return test


def _text_predicate(name: str, wanted: list[str]) -> Callable[[str], bool]:
    if name in ("glob", "iglob"):
        matches = re.compile(fnmatch.translate(wanted[0]), re.IGNORECASE if name == "iglob" else 0).match
        return lambda value: matches(value) is not None
    if name == "icontains":
        folded = wanted[0].casefold()
        return lambda value: folded in value.casefold()
    if name == "pmatch":
        return lambda value: any(_is_path_below(value, path) for path in wanted)
    return _predicate(name, wanted)


def _is_path_below(value: str, path: str) -> bool:
    """Whether `path` is `value` or a directory above it, by whole components."""
    stem = path.rstrip("/")
    return value in (path, stem) or value.startswith(stem + "/")


def _predicate(name: str, wanted: list[T]) -> Callable[[T], bool]:
    """What texts and bytes have in common."""
    if name in _SETS:
        members = frozenset(wanted)
        return lambda value: value in members
    first = wanted[0]
    if name == "contains":
        return lambda value: first in value
    if name == "startswith":
        return lambda value: value.startswith(first)
    if name == "endswith":
        return lambda value: value.endswith(first)
    compare = _ORDERED[name]
    return lambda value: bool(compare(value, first))


def _regex(pattern: T, check: Check, text: str, flags: int) -> Callable[[T], bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful but valid pattern is no error
            matches = re.compile(pattern, flags).fullmatch
    except (re.error, RecursionError, OverflowError) as error:
        reason = "".join(letter if letter.isprintable() else " " for letter in str(error))  # may quote the pattern
        raise FilterError(f"no regular expression: {reason}", text, check.words[0].offset) from None
    return lambda value: matches(value) is not None


def _bytes_test(check: Check, text: str) -> Test:
    word = check.words[0] if check.words else None
    if check.operator in ("bcontains", "bstartswith"):
        assert word is not None
        try:
            wanted = bytes.fromhex(decoded(word, text))
        except ValueError:
            message = f"{decoded(word, text)!r} is no row of hexadecimal bytes, such as 474554"
            raise FilterError(message, text, word.offset) from None
        passes = _predicate(check.operator[1:], [wanted])
    elif check.operator == "icontains":
        assert word is not None
        lowered = word.data.lower()
        passes = lambda value: lowered in value.lower()  # noqa: E731
    elif check.operator == "regex":
        assert word is not None
        passes = _regex(word.data, check, text, re.DOTALL)
    else:
        passes = _predicate(check.operator, [each.data for each in check.words])

    def any_piece(pieces: list[bytes]) -> bool:
        # Nothing is found across bytes that are missing, and how a payload starts or ends must have been captured.
        if check.operator in ("startswith", "bstartswith"):
            return passes(pieces[0])
        if check.operator == "endswith":
            return passes(pieces[-1])
        return all(map(passes, pieces)) if check.operator == "!=" else any(map(passes, pieces))

    def test(column: Column) -> Bools:
        assert isinstance(column, Buffers)
        out = np.zeros(len(column.rows), dtype=np.bool_)
        for position, row in enumerate(column.rows.tolist()):
            pieces = column.pieces(row)
            out[position] = bool(pieces) and any_piece(pieces)
        return out

    return test


def needle_of(check: Check) -> bytes:
    """Bytes without which no payload passes a comparison that compiled; b"" where nothing can be said."""
    if check.operator in ("=", "contains", "startswith", "endswith"):
        return check.words[0].data
    return bytes.fromhex(check.words[0].data.decode()) if check.operator in ("bcontains", "bstartswith") else b""
