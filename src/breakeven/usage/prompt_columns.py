"""What is kept of a prompt while a file is read: whole numbers, worked out inside the engine; see ``calls.py``."""

from collections.abc import Mapping

from breakeven.usage.calls import PREFIX_LENGTHS, PROMPT_COLUMNS

ABSENT = dict.fromkeys(("prompt", "first_message", "first_role", "following", "tools", "output_format"), "NULL")
"""What a reader gives of a prompt, as SQL, where it gives nothing."""

JUDGING = (
    r"\b(you are|act as|acting as|your (task|job|role) is)\b[^.]{0,80}"
    r"\b(judge|judging|grader|grading|evaluator|evaluating|evaluate|critic|rater)\b"
    r"|\b(score|rate|grade|judge|evaluate|assess|compare)\b[^.]{0,60}"
    r"\b(responses?|answers?|outputs?|completions?|submissions?|candidates?|assistants?|summaries)\b"
)
"""What a prompt says that judges another answer, as a regular expression over its beginning, whatever its case."""

JUDGED_CHARS = 2000
"""So much of a system prompt or first message is searched for ``JUDGING``. [characters]"""

SHORT_CHARS = 128
"""Under a system prompt that is no longer than this, so much of what follows is searched too. [characters]"""

START_CHARS, END_CHARS, TAIL_CHARS = 96, 256, 1000
"""
How much is looked at of a beginning, its digits left out; of an end; and of an end for its last line. [characters]
"""

NEXT_LENGTHS, INNER_CHARS = (8, 16, 40), 32
"""Lengths at which what follows the system prompt is compared, and what of it follows a break. [characters]"""

TO_INNER = r"^[^:\n]*[:\n]\s*"
"""Up to the first colon or line break and the blanks after it, as a regular expression."""

NEVER_ASKED = "''"
"""SQL of the output format where no line of a sample of the file says one, though its format can."""

SYSTEM_ROLES = "('system', 'developer')"


def has_prompts(raw: Mapping[str, str]) -> bool:
    """Whether raw columns, as ``prompt_columns`` takes them, hold anything of prompts."""
    return any(raw[name] != "NULL" for name in ("prompt", "first_message", "tools"))


def prompt_columns(raw: Mapping[str, str]) -> dict[str, str]:
    """
    SQL of each of ``PROMPT_COLUMNS``.

    Parameters
    ----------
    raw : mapping
        SQL of the names in ``ABSENT``, fields resolved: the prompt; the system prompt or first message, and its role;
        what follows the system prompt; the tool definitions as a JSON array; the type of the response format.
    """
    texts = {name: None if raw[name] == "NULL" else f"text_of({raw[name]})" for name in ABSENT}
    kept: dict[str, str] = {}
    if prompt := texts["prompt"]:
        chars = f"chars_of({prompt})"
        kept |= {
            "prompt_chars": chars,
            "prompt_hash": f"CASE WHEN {prompt} IS NOT NULL THEN hash({prompt}) END",
        }
        kept |= {
            f"prefix_{length}": f"CASE WHEN {chars} >= {length} THEN hash(substring({prompt}, 1, {length})) END"
            for length in PREFIX_LENGTHS
        }
    if first := texts["first_message"]:
        kept |= {
            "first_hash": f"md5_number_upper({first})",
            "first_chars": f"chars_of({first})",
        }
        role, following = texts["first_role"], texts["following"]
        kept["judge_like"] = f"regexp_matches(substring({first}, 1, {JUDGED_CHARS}), '(?i){JUDGING}')"
        if role:
            is_system = f"{role} IN {SYSTEM_ROLES}"
            kept["first_is_system"] = f"CASE WHEN {is_system} THEN 1 ELSE 0 END"
            if following:
                short = f"{is_system} AND chars_of({first}) <= {SHORT_CHARS}"
                more = f"coalesce(regexp_matches(substring({following}, 1, {SHORT_CHARS}), '(?i){JUDGING}'), false)"
                kept["judge_like"] = f"{kept['judge_like']} OR CASE WHEN {short} THEN {more} ELSE false END"
    if following := texts["following"]:
        kept |= _following(following)
    if tools := texts["tools"]:
        count = f"CASE WHEN json_valid({tools}) THEN json_array_length({tools}) END"
        some = f"coalesce({count}, 0) > 0"
        kept |= {
            "tools": count,
            "tools_hash": f"CASE WHEN {some} THEN md5_number_upper({tools}) END",
            "tools_chars": f"CASE WHEN {some} THEN length({tools}) END",
        }
    if raw["output_format"] == NEVER_ASKED and (text := first or prompt):
        kept["json_output"] = f"CASE WHEN {text} IS NOT NULL THEN 0 END"
    elif (wanted := texts["output_format"]) and (text := first or prompt):
        kept["json_output"] = f"CASE WHEN {wanted} LIKE 'json%' THEN 1 WHEN {text} IS NOT NULL THEN 0 END"
    return {name: f"CAST({kept.get(name, 'NULL')} AS UBIGINT)" for name in PROMPT_COLUMNS}


def _following(text: str) -> dict[str, str]:
    """SQL of what is kept of what follows the system prompt."""
    start = f"unnumbered({text})"
    kept = {"next_chars": f"chars_of({text})"}
    kept["next_end"] = f"CASE WHEN {text} IS NOT NULL THEN hash(substring({text}, -{END_CHARS})) END"
    kept |= {
        f"next_{length}": f"CASE WHEN length({start}) >= {length} THEN hash(substring({start}, 1, {length})) END"
        for length in NEXT_LENGTHS
    }
    inner = f"regexp_replace({start}, '{TO_INNER}', '')"
    last = f"substring(split_part(substring({text}, -{TAIL_CHARS}), chr(10), -1), 1, 8)"
    return kept | {
        "next_inner": f"CASE WHEN (contains({start}, ':') OR contains({start}, chr(10))) AND length({inner}) >="
        f" {INNER_CHARS} THEN hash(substring({inner}, 1, {INNER_CHARS})) END",
        "next_tail": f"CASE WHEN contains({text}, chr(10)) THEN hash({last}) END",
    }
