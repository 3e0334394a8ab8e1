"""How things look by default."""

from pcapdig.render.options import DataStyle, Options, TimeStyle


def test_defaults_are_sysdigs_without_colour() -> None:
    """Dots, local clock, and no escape unless somebody says the stream is a terminal."""
    assert Options() == Options(data=DataStyle.DOTTED, json=False, colour=False, time=TimeStyle.CLOCK)


def test_time_styles_are_the_letters_of_t() -> None:
    """All that sysdig has."""
    assert "hardD" == "".join(style.value for style in TimeStyle)
