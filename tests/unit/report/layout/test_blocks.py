"""Tables made of rows."""

from __future__ import annotations

from piescope.report.layout.blocks import TableColumn, table_of


def test_a_table_has_a_line_for_each_row_in_the_order_of_its_columns() -> None:
    columns = [TableColumn("Name", str), TableColumn("Length", lambda name: f"{len(name)}")]
    made = table_of("Pets", "By name.", columns, ["cat", "horse"], file="pets.csv")
    assert made.head == ("Name", "Length") and made.rows == (("cat", "3"), ("horse", "5"))
    assert (made.title, made.caption, made.file, made.groups) == ("Pets", "By name.", "pets.csv", ())
    assert table_of("Pets", "None.", columns, []).rows == ()
