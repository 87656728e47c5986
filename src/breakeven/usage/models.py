"""Which list model a log means by the names it holds."""

from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.table import PriceTable
from breakeven.errors import UnknownModelError


class Finder:
    """
    ``PriceTable.find`` for names of a log, each looked up once: searching for what a strange name might mean is slow.

    Parameters
    ----------
    table : PriceTable
        List prices, with the user's own laid over them.
    """

    def __init__(self, table: PriceTable) -> None:
        self.table = table
        self._found: dict[tuple[str | None, str | None], ListModel | str] = {}

    def __call__(self, model: str | None, provider: str | None) -> ListModel | str:
        """The model, or why there is none."""
        key = (model, provider)
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def _find(self, model: str | None, provider: str | None) -> ListModel | str:
        if model is None:
            return "the log names no model"
        try:
            return self.table.find(model, provider)
        except UnknownModelError as error:
            return str(error)
