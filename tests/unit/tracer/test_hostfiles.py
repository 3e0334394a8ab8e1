"""Standard error, taken and given back."""

import os

import pytest

from pcapdig.tracer.hostfiles import quiet_stderr


def _speak() -> None:
    with quiet_stderr() as said:
        os.write(2, b"inside")
        raise RuntimeError(said())


def test_native_words_are_taken(capfd: pytest.CaptureFixture[str]) -> None:
    """Written to the descriptor, as a library does; afterwards it is as before, also after an exception."""
    with pytest.raises(RuntimeError, match="^inside$"):
        _speak()
    os.write(2, b"outside")
    assert capfd.readouterr().err == "outside"
