"""Tables as people open them."""

from __future__ import annotations

import pytest

from piescope.store.tables import as_csv


def test_csv_cells() -> None:
    rows = [
        {"a": "=1+1", "b": None, "c": 0.1, "d": True, "e": 'x,"y"\n'},
        {"a": "-", "b": -1, "c": 1, "d": False, "e": "@"},
    ]
    assert as_csv(rows, list("abcde")).decode() == 'a,b,c,d,e\n\'=1+1,,0.1,true,"x,""y""\n"\n\'-,-1,1,false,\'@\n'
    assert as_csv([{"a": "one\rtwo"}, {"a": "\ud800"}], ["a"]) == b'a\n"one\rtwo"\n\\ud800\n'
    with pytest.raises(KeyError):
        as_csv([{"a": 1}], ["b"])
