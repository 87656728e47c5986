"""What is kept of a prompt while a file is read: whole numbers, worked out inside the engine; see ``calls.py``."""

from collections.abc import Mapping

from breakeven.usage.calls import PREFIX_LENGTHS, PROMPT_COLUMNS

ABSENT = {"prompt": "NULL", "first_message": "NULL", "first_role": "NULL", "tools": "NULL", "output_format": "NULL"}
"""What a reader gives of a prompt, as SQL, where it gives nothing."""

JUDGING = (
    r"\b(you are|act as|acting as|your (task|job|role) is)\b[^.]{0,80}"
    r"\b(judge|judging|grader|grading|evaluator|evaluating|evaluate|critic|rater)\b"
    r"|\b(score|rate|grade|judge|evaluate|assess|compare)\b[^.]{0,60}"
    r"\b(responses?|answers?|outputs?|completions?|submissions?|candidates?|assistants?|summaries)\b"
)
"""What a prompt says that judges another answer, as a regular expression over its lower-case beginning."""

JUDGED_CHARS = 2000
"""So much of a system prompt or first message is searched for ``JUDGING``. [characters]"""


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
        the tool definitions as a JSON array; the type of the response format.
    """
    texts = {name: None if raw[name] == "NULL" else f"CAST({raw[name]} AS VARCHAR)" for name in ABSENT}
    kept: dict[str, str] = {}
    if prompt := texts["prompt"]:
        kept |= {"prompt_chars": f"length({prompt})", "prompt_hash": f"hash({prompt})"}
        kept |= {
            f"prefix_{length}": f"CASE WHEN length({prompt}) >= {length} THEN hash(left({prompt}, {length})) END"
            for length in PREFIX_LENGTHS
        }
    if first := texts["first_message"]:
        kept |= {
            "first_hash": f"md5_number_upper({first})",
            "first_chars": f"length({first})",
            "judge_like": f"CAST(regexp_matches(lower(left({first}, {JUDGED_CHARS})), '{JUDGING}') AS UTINYINT)",
        }
        if role := texts["first_role"]:
            kept["first_is_system"] = f"CASE WHEN {role} IN ('system', 'developer') THEN 1 ELSE 0 END"
    if tools := texts["tools"]:
        count = f"CASE WHEN json_valid({tools}) THEN json_array_length({tools}) END"
        some = f"coalesce({count}, 0) > 0"
        kept |= {
            "tools": count,
            "tools_hash": f"CASE WHEN {some} THEN md5_number_upper({tools}) END",
            "tools_chars": f"CASE WHEN {some} THEN length({tools}) END",
        }
    if (wanted := texts["output_format"]) and (text := first or prompt):
        kept["json_output"] = f"CASE WHEN {wanted} LIKE 'json%' THEN 1 WHEN {text} IS NOT NULL THEN 0 END"
    return {name: f"CAST({kept.get(name, 'NULL')} AS UBIGINT)" for name in PROMPT_COLUMNS}
