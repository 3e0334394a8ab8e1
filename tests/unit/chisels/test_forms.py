"""Fields that people fill in."""

from __future__ import annotations

import time

import pytest

from pcapdig.chisels.credentials.forms import credentials, members, pairs, parts


@pytest.mark.parametrize("text", [b"", b"password", b"&".join([b"a=b"] * 2000)])
def test_no_pairs(text: bytes) -> None:
    """Nothing, no value, more than a form has."""
    assert pairs(text) == []


@pytest.mark.parametrize("text", [b"{", b"[" * 100_000, b"\xff", b'"password"', b"[[[]]]"])
def test_no_members(text: bytes) -> None:
    """Cut, hostile, no object."""
    assert list(members(text)) == []


def test_what_is_cut_has_no_last_field() -> None:
    """It may be half there."""
    assert pairs(b"a=1&b=2&c=3", is_whole=False) == [("a", "1"), ("b", "2")]
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name="b"\r\n\r\n2'
    assert list(parts("multipart/form-data; boundary=x", body, is_whole=False)) == [("a", "1")]


def test_members_of_any_depth() -> None:
    """Outer ones first."""
    assert list(members(b'{"a": [{"b": "1"}, 2], "c": "3"}')) == [("c", "3"), ("b", "1")]


def test_only_passwords_are_credentials() -> None:
    """With the name beside them; each once."""
    fields = [("compass", "n"), ("user", "alice"), ("pwd", "x"), ("password2", "x"), ("new_pass", "y")]
    assert [(c.user, c.secret) for c in credentials(fields, "form")] == [("alice", "x"), ("alice", "y")]


def test_wide_documents_are_looked_at_in_bounded_time() -> None:
    """Of a hostile document some values."""
    started = time.process_time()
    list(members(b"[" + b",".join([b"[" + b"1," * 999 + b"1]"] * 500) + b"]"))
    assert time.process_time() - started < 5
