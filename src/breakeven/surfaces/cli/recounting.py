"""``breakeven switch --from-log``: the log's prompts and answers counted again for the models to move to."""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from breakeven.catalogue.families import exact_vocabulary
from breakeven.catalogue.load import Catalogue
from breakeven.surfaces.cli.fields import More
from breakeven.surfaces.counted import around

if TYPE_CHECKING:
    from breakeven.surfaces.cli.from_log import LogRead

OPTIONS: tuple[inspect.Parameter, ...] = ()


def more(options: dict[str, Any], catalogue: Catalogue) -> More:
    """The field ``by_model`` with what a log's texts say of each model; what was given for a model stays."""

    def fields(given: dict[str, Any], log: "LogRead | None") -> tuple[dict[str, Any], dict[str, str]]:
        if log is None or given.get("token_ratio") is not None or not given.get("model") or not given.get("to"):
            return {}, {}
        from breakeven.questions.recounted import terms_from
        from breakeven.usage.recount import recount
        from breakeven.usage.task_names import read_task_names
        from breakeven.usage.tokens import MISSING, VOCABULARIES, is_installed

        today = catalogue.prices.find(str(given["model"])).id
        to = [catalogue.prices.find(str(each)).id for each in cast(Sequence[Any], given["to"])]
        own = exact_vocabulary(catalogue, today)
        wanted = {vocabulary for model in to if (vocabulary := exact_vocabulary(catalogue, model))} - {own}
        if not wanted:
            return {}, {}
        if not is_installed():
            return {}, {"by_model": f"not recounted: {MISSING}"}
        counted = recount(
            log.files,
            task=log.profile.task,
            model=log.profile.model,
            vocabularies=[each for each in VOCABULARIES if each in wanted | {own}],
            around=around(catalogue),
            task_by=log.task_by,
            tasks=read_task_names(log.names) if log.names else None,
        )
        terms, words = terms_from(counted, catalogue, today, to)
        before = {catalogue.prices.find(str(each["model"])).id: each for each in given.get("by_model") or ()}
        for each in terms:
            before[each["model"]] = each | before.get(each["model"], {})
        return ({"by_model": list(before.values())} if terms else {}), {"by_model": words}

    return fields
