"""Suggestions are those that difflib gives, which compares every name in full."""

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue
from breakeven.errors import CLOSE, nearest


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_nearest_names_are_those_of_difflib(catalogue: Catalogue, data: st.DataObject) -> None:
    names = catalogue.prices.names()
    name = data.draw(st.sampled_from(names) | st.text("abcgpt-.5/", max_size=30))
    place = data.draw(st.integers(0, len(name)))
    name = name[:place] + data.draw(st.text("a5-", max_size=3)) + name[place + data.draw(st.integers(0, 2)) :]
    count = data.draw(st.integers(1, 4))
    by_key = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name.lower(), list(by_key), n=count, cutoff=CLOSE)
    assert nearest(name, names, count) == (f" Did you mean {', '.join(map(by_key.get, close))}?" if close else "")
