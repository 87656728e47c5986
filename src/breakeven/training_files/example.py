"""What one line of a training file says, whatever its form: turns of a conversation, and what is wrong with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

from breakeven.errors import BreakevenError


class InvalidLineError(BreakevenError):
    """A line that cannot be trained on. The message is a reason; it never holds text of the line."""


class Turn(NamedTuple):
    """
    One message.

    role : system, developer, user, assistant, tool, or "" for a text without roles.
    texts : what is written in it, the names and arguments of tools it calls included.
    name : of its author, "" for none. trained : whether the model learns to write it.
    """

    role: str
    texts: tuple[str, ...]
    name: str = ""
    trained: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """
    One example.

    tools : definitions of functions that the model may call, as OpenAI writes them (``name``, ``description``,
        ``parameters``).
    left_out : kinds of content that are billed but no text, such as images.
    warnings : what a provider may object to, in words without text of the line.
    """

    turns: tuple[Turn, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """
    One form of training file: how to know a line of it, and what the line says.

    name : unique; catalogue files name it under ``training_file.forms``.
    what : in a few words. page : where its vendor describes it.
    accepts : whether a line, as parsed JSON, is of this form, by keys that no other form has.
    read : the example of such a line; raises InvalidLineError.
    advice : what to do where no provider takes it as it is, "" otherwise.
    """

    name: str
    what: str
    page: str
    accepts: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], Example]
    advice: str = ""


def text_of(value: Any, where: str) -> str:
    """A text that must be there and not be blank. Raises InvalidLineError."""
    if not isinstance(value, str):
        raise InvalidLineError(f"{where} is {'missing' if value is None else 'not text'}")
    if not value.strip():
        raise InvalidLineError(f"{where} is empty")
    return value


def list_of(value: Any, where: str) -> list[Any]:
    """A list that must be there and not be empty. Raises InvalidLineError."""
    if not isinstance(value, list):
        raise InvalidLineError(f"{where} is {'missing' if value is None else 'not a list'}")
    if not value:
        raise InvalidLineError(f"{where} is empty")
    return value


def object_of(value: Any, where: str) -> dict[str, Any]:
    """An object. Raises InvalidLineError."""
    if not isinstance(value, dict):
        raise InvalidLineError(f"{where} is not an object")
    return value


def like(name: Any, known: Iterable[str]) -> str:
    """The known name that an unknown one resembles, as the end of a reason; the unknown one may be private."""
    close = get_close_matches(str(name).lower()[:99], list(known), n=1, cutoff=0.6)
    return f", like {close[0]}" if close else ""


def unknown_keys(value: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Raise InvalidLineError for the first key that is not known."""
    names = tuple(known)
    for key in value:
        if key not in names:
            raise InvalidLineError(f"{where} has an unknown key{like(key, names)}; known are {', '.join(names)}")


def one_of(value: Any, known: Iterable[str], where: str) -> str:
    """One of several words. Raises InvalidLineError naming the word it resembles."""
    names = tuple(known)
    if value not in names or not isinstance(value, str):
        shown = "missing" if value is None else f"unknown{like(value, names)}"
        raise InvalidLineError(f"{where} is {shown}; known are {', '.join(names)}")
    return value
