"""
What looks like personal data or a secret in a text, by kind: counted, never kept.

A pattern is no proof: numbers of cards and accounts must pass their check digits, phone numbers begin with + or have
brackets. What is found is a reason to look at the lines, and nothing found is no proof of absence.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address


def is_card(text: str) -> bool:
    """Whether the digits of a text pass the check of card numbers (Luhn), 13 to 19 of them."""
    digits = [int(each) for each in text if each.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether a text passes the check of account numbers: ISO 13616, remainder 1 modulo 97."""
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(each, 36)) for each in moved)) % 97 == 1


def is_address(text: str) -> bool:
    """Whether a text is an internet address of one machine, of whatever network."""
    try:
        found = IPv6Address(text) if ":" in text else IPv4Address(text)
    except AddressValueError:
        return False
    return not (found.is_unspecified or found.is_loopback)


def is_phone(text: str) -> bool:
    """Whether a text has as many digits as a phone number: 8 to 15 (ITU-T E.164)."""
    return 8 <= sum(each.isdigit() for each in text) <= 15


def _always(text: str) -> bool:
    return True


KINDS: Mapping[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "e-mail addresses": (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.[A-Za-z]{2,24}\b"), _always),
    "phone numbers": (
        re.compile(r"(?<![\w+])(?:\+\d[\d ().-]{6,20}\d|\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}-\d{3}-\d{4})(?!\w)"),
        is_phone,
    ),
    "card numbers": (re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])"), is_card),
    "bank accounts (IBAN)": (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"), is_iban),
    "internet addresses": (
        re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4})(?![\w.])"),
        is_address,
    ),
    "keys of programs": (
        re.compile(
            r"\b(?:sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|xox[abprs]-[A-Za-z0-9-]{10,}"
            r"|AIza[0-9A-Za-z_-]{35}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"
            r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
        ),
        _always,
    ),
}
"""Kind -> how it looks, and what tells a real one from a number that looks alike."""


BEGINNINGS = {
    "e-mail addresses": ("@",),
    "phone numbers": ("+", "(", "-"),
    "keys of programs": ("sk-", "AKIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "AIza", "eyJ", "-----BEGIN"),
}
"""What a text must hold for a pattern to match at all; looking for these is far quicker than for the pattern."""


def kinds_in(texts: Iterable[str]) -> list[str]:
    """The kinds that some texts hold, each once."""
    whole = "\n".join(texts)
    return [
        kind
        for kind, (pattern, holds) in KINDS.items()
        if any(part in whole for part in BEGINNINGS.get(kind, ("",)))
        and any(holds(found.group()) for found in pattern.finditer(whole))
    ]
