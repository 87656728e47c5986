"""Files written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from breakeven.errors import BreakevenError


@contextmanager
def whole_file(file: Path, flag: str) -> Iterator[Path]:
    """
    A place to write to beside ``file``, which takes its name once the block has ended well.

    Whatever ends the block otherwise, Ctrl-C included, leaves neither it nor a changed ``file``.

    Parameters
    ----------
    flag : str
        What the user gave the file with, for the message, e.g. ``--output``.

    Raises
    ------
    BreakevenError
        The file cannot be written there.
    """
    part = file.with_name(file.name + ".part")
    try:
        yield part
        part.replace(file)
    except OSError as error:
        raise BreakevenError(f"{flag} {file}: cannot be written: {error.strerror or type(error).__name__}") from None
    finally:
        part.unlink(missing_ok=True)
