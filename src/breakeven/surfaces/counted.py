"""What was counted in files, as fields of questions: shared by the command line and the web."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from breakeven.catalogue.families import exact_vocabulary
from breakeven.catalogue.load import Catalogue

if TYPE_CHECKING:
    from breakeven.training_files.facts import FileFacts, Leaks
    from breakeven.usage.prompt_file import Around
    from breakeven.usage.tokens import Vocabulary


def around(catalogue: Catalogue) -> "Around":
    """What a chat adds to its texts, from the assumptions."""
    from breakeven.usage.prompt_file import Around

    return Around(
        message=catalogue.assume("chat_tokens_per_message"),
        name=catalogue.assume("chat_tokens_per_name"),
        reply=catalogue.assume("chat_tokens_per_reply"),
    )


def wanted_vocabularies(catalogue: Catalogue, *models: object) -> "tuple[Vocabulary, ...] | None":
    """
    Vocabularies to count a training file in: the usual one, and the older one where a model that has it is asked for.

    None, which counts in what can be counted, where the package that counts is missing.
    """
    from breakeven.usage.tokens import VOCABULARIES, is_installed

    if not is_installed():
        return None
    wanted = {exact_vocabulary(catalogue, str(model)) for model in models if model}
    return tuple(each for each in VOCABULARIES if each == VOCABULARIES[0] or each in wanted)


def counted_fields(
    train: "FileFacts", validation: "FileFacts | None", leaks: "Leaks | None"
) -> tuple[dict[str, Any], dict[str, str]]:
    """What ``read_training_file`` found as fields of the question, and where they come from."""
    found = {"training_file": train, "validation_file": validation, "leaks": leaks}
    values = {name: asdict(each) for name, each in found.items() if each is not None}
    words = {"training_file": f"counted in {train.name}"}
    if validation is not None:
        words |= dict.fromkeys(("validation_file", "leaks"), f"counted in {validation.name}")
    return values, words
