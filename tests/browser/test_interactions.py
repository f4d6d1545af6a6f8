"""Everything that a reader can do in a study's page, and that what it then shows is what the results have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from browser.explored import Expected, explored
from browser.watched import PHONE, spaced

pytestmark = [pytest.mark.browser, pytest.mark.sampled(3, of_file=True)]

ARM = "supcon/gmp"

ARMS = {
    "Sup / GMP": "supervised/gmp",
    "Sup / one-shot": "supervised/one_shot",
    "SupCon / GMP": "supcon/gmp",
    "SupCon / delayed GMP": "supcon/delayed_gmp",
    "SupCon / one-shot": "supcon/one_shot",
}
"""Of the study, by the names that a reader sees."""


@pytest.fixture(scope="module")
def page(digits: Path) -> Path:
    return digits / "report.html"


@pytest.fixture(scope="module")
def expected(digits: Path) -> Expected:
    return Expected(digits)


def start(arm: str = ARM, level: float = 0.9, **more: str) -> str:
    return "#" + "&".join(f"{key}={value}" for key, value in {"arm": arm, "s": str(level), **more}.items())


def test_the_page_begins_with_the_finding(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page) as it:
        (method,) = {row["method"] for row in it.rows()}
        (level,) = {float(row["level"].split()[0]) / 100 for row in it.rows()}
        arm = ARMS[method]
        assert it.ids() == expected.ids(arm, level, "lost")
        assert it.said() == f"{len(it.ids())} pictures lost by {method} at {100 * level:g}\u00a0%"
        finding = it.page.locator("h1").inner_text()
        assert f"{100 * level:g}\u00a0%" in finding
        assert f" {len(expected.ids(arm, level))} of 797" in spaced(finding)


@pytest.mark.parametrize("kind", ["lost", "won", "moved", ""])
def test_what_happened(kind: str, browser: Any, page: Path, expected: Expected) -> None:
    names = {"lost": "Lost", "won": "Won back", "moved": "Moved", "": "All changes"}
    with explored(browser, page, start(level=0.95)) as it:
        it.chip("What happened", names[kind]).click()
        assert it.hash().get("kind", "") == kind
        assert it.ids() == expected.ids(ARM, 0.95, kind)


def test_the_dial_by_keyboard_moves_from_stop_to_stop(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95, kind="lost")) as it:
        dial = it.page.get_by_role("slider", name="Sparsity")
        dial.focus()
        for key, level in (
            ("Home", 0.5),
            ("ArrowRight", 0.9),
            ("ArrowRight", 0.95),
            ("ArrowRight", 0.95),
            ("ArrowLeft", 0.9),
            ("End", 0.95),
        ):
            dial.press(key)
            assert it.hash()["s"] == str(level)
            assert it.ids() == expected.ids(ARM, level, "lost")
            dial.focus()


def test_the_dial_by_mouse_snaps_to_a_stop(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95, kind="lost")) as it:
        dial = it.page.get_by_role("slider", name="Sparsity")
        box = dial.bounding_box()
        it.page.mouse.move(box["x"] + box["width"] - 11, box["y"] + box["height"] / 2)
        it.page.mouse.down()
        it.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
        it.page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2, steps=4)
        it.page.mouse.up()
        assert it.hash()["s"] == "0.5"
        assert it.ids() == expected.ids(ARM, 0.5, "lost")


def test_the_dial_by_touch(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95, kind="lost"), viewport=PHONE, has_touch=True, is_mobile=True) as it:
        dial = it.page.get_by_role("slider", name="Sparsity")
        dial.scroll_into_view_if_needed()
        box = dial.bounding_box()
        it.page.touchscreen.tap(box["x"] + 4, box["y"] + box["height"] / 2)
        it.page.wait_for_function("location.hash.includes('s=0.5')")
        assert it.ids() == expected.ids(ARM, 0.5, "lost")


@pytest.mark.parametrize("arm", ["supervised/gmp", "supcon/one_shot", "supcon/delayed_gmp"])
def test_another_method(arm: str, browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.9, kind="lost")) as it:
        point = it.page.locator(f'#curve g[data-arm="{arm}"] [data-level="0.95"]')
        box = point.bounding_box()
        it.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert (it.hash()["arm"], it.hash()["s"]) == (arm, "0.95")
        assert it.ids() == expected.ids(arm, 0.95, "lost")


def test_methods_by_name(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.9, kind="lost")) as it:
        arms = it.page.get_by_role("group", name="Method").get_by_role("button")
        assert [spaced(name) for name in arms.all_inner_texts()] == list(ARMS)
        for name, arm in ARMS.items():
            it.chip("Method", name).click()
            assert it.hash()["arm"] == arm
            assert it.ids() == expected.ids(arm, 0.9, "lost")


def test_kept_by_another(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.9, kind="lost")) as it:
        kept = it.page.get_by_role("group", name="kept by")
        for index in range(4):
            kept.get_by_role("button").nth(index).click()
            assert it.ids() == expected.ids(ARM, 0.9, "lost", kept=it.hash()["kept"])
        kept.get_by_role("button").nth(3).click()
        assert "kept" not in it.hash()
        assert it.ids() == expected.ids(ARM, 0.9, "lost")


def test_class_chance_and_votes(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95)) as it:
        it.page.get_by_role("combobox", name="Class").select_option("8")
        assert it.ids() == expected.ids(ARM, 0.95, label=8)
        it.page.get_by_label("beyond chance").check()
        assert it.ids() == expected.ids(ARM, 0.95, label=8, confirmed=True)
        it.page.get_by_role("combobox", name="Class").select_option("")
        votes = it.page.get_by_role("slider", name="Least share of models that agree")
        votes.fill("1")
        assert it.hash() == {"arm": ARM, "s": "0.95", "confirmed": "1", "votes": "1"}
        assert it.ids() == expected.ids(ARM, 0.95, confirmed=True, votes=1.0)
        while it.page.locator(".x-limit").count():
            it.page.locator(".x-limit").first.click()
        assert it.ids() == expected.ids(ARM, 0.95)


def test_an_example_opens_by_click_and_closes_by_escape(browser: Any, page: Path, expected: Expected) -> None:
    rows = expected.of[ARM, 0.9]
    with explored(browser, page, start(level=0.9, kind="lost")) as it:
        first = it.rows()[0]
        it.open_first()
        assert it.hash()["ex"] == first["id"]
        index = rows["example_id"].tolist().index(first["id"])
        opened = spaced(it.opened().inner_text())
        assert first["id"] in opened
        assert f"It is {rows['label'][index]}." in opened
        assert "lost by" in opened
        for side in ("dense", "pruned"):
            assert f"{rows[f'{side}_label'][index]} {round(5 * rows[f'{side}_agreement'][index])} of 5" in opened
        it.page.keyboard.press("Escape")
        assert "ex" not in it.hash()
        assert not it.opened().is_visible()


def test_the_strip_says_when_it_was_lost(browser: Any, page: Path, expected: Expected) -> None:
    example = sorted(expected.ids(ARM, 0.9, "lost"))[0]
    with explored(browser, page, start(level=0.9, ex=example)) as it:
        for name, arm in ARMS.items():
            for level in (0.5, 0.9, 0.95):
                rows = expected.of[arm, level]
                index = rows["example_id"].tolist().index(example)
                right = round(5 * rows["pruned_correct"][index])
                cell = it.opened().get_by_role("button", name=f"{name}\u2069, {100 * level:g}\u00a0%:")
                assert f" {right} of 5 right" in cell.get_attribute("aria-label")
                did = next(
                    (kind for kind in ("lost", "won", "moved") if example in expected.ids(arm, level, kind)), "the same"
                )
                assert f": {did}" in cell.get_attribute("aria-label")
        it.opened().get_by_role("button", name="Sup / GMP\u2069, 95").click()
        assert (it.hash()["arm"], it.hash()["s"], it.hash()["ex"]) == ("supervised/gmp", "0.95", example)


def test_arrows_walk_over_what_is_chosen(browser: Any, page: Path) -> None:
    with explored(browser, page, start(level=0.9, kind="lost")) as it:
        ids = [row["id"] for row in it.rows()]
        it.open_first()
        for key, place in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0), ("ArrowLeft", 0)):
            it.page.keyboard.press(key)
            assert it.hash()["ex"] == ids[place]
            assert f"{place + 1} of {len(ids)}" in it.opened().inner_text()
        it.opened().get_by_role("button", name="The next one").click()
        assert it.hash()["ex"] == ids[1]
        it.opened().get_by_role("button", name="Close").click()
        assert "ex" not in it.hash()


def test_classes_and_mix_ups_choose(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95)) as it:
        count = len(expected.ids(ARM, 0.95, label=8))
        row = it.page.locator(".x-panel-classes .x-row").filter(has=it.page.get_by_text("8", exact=True))
        assert f" {count} " in f" {spaced(row.inner_text())} "
        row.click()
        assert it.hash()["class"] == "8"
        assert it.ids() == expected.ids(ARM, 0.95, label=8)
        row.click()
        assert "class" not in it.hash()
        first = it.page.locator(".x-panel-mix .x-row").first
        before, _, after, count, *_ = first.inner_text().split()
        first.click()
        pair = expected.ids(ARM, 0.95, before=int(before), after=int(after))
        assert it.ids() == pair
        assert count == str(len(pair))


def test_a_brush_on_a_map_chooses_what_lies_in_it(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95)) as it:
        canvas = it.page.locator(".x-panel-maps canvas").first

        def brush(left: float, right: float) -> set[str]:
            canvas.scroll_into_view_if_needed()
            box = canvas.bounding_box()
            it.page.mouse.move(box["x"] + left * box["width"], box["y"] + 0.01 * box["height"])
            it.page.mouse.down()
            it.page.mouse.move(box["x"] + right * box["width"], box["y"] + 0.99 * box["height"], steps=5)
            it.page.mouse.up()
            return it.ids()

        everything = brush(0.01, 0.99)
        assert it.hash()["map"] == "0,0,1,1"
        assert everything == expected.ids(ARM, 0.95)
        halves = brush(0.01, 0.3), brush(0.3, 0.99)
        assert halves[0] | halves[1] == everything
        assert halves[0] and halves[1] and not halves[0] & halves[1]
        it.page.get_by_role("button", name="a part of the map").first.click()
        assert it.ids() == everything


def test_a_box_on_a_map_by_keyboard(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95)) as it:
        canvas = it.page.locator(".x-panel-maps canvas").first
        it.page.locator(".x-panel-mix .x-row").last.focus()
        while not canvas.evaluate("canvas => canvas === document.activeElement"):
            it.page.keyboard.press("Tab")
        for key, times in (("ArrowLeft", 20), ("ArrowDown", 20), ("Shift+ArrowRight", 4), ("Shift+ArrowUp", 40)):
            for _ in range(times):
                it.page.keyboard.press(key)
        told = it.page.locator(".x-panel-maps [aria-live]").first.inner_text()
        it.page.keyboard.press("Enter")
        assert it.hash()["map"] == "0,0,0.3,1"
        left = it.ids()
        assert left < expected.ids(ARM, 0.95)
        assert int(told.split()[0].replace(",", "")) >= len(left)
        it.page.keyboard.press("ArrowRight")
        it.page.keyboard.press("Escape")
        assert it.hash()["map"] == "0,0,0.3,1"  # only Enter takes a box
        it.page.get_by_role("button", name="a part of the map").first.click()
        assert it.ids() == expected.ids(ARM, 0.95)


def test_the_heat_map_by_keyboard(browser: Any, page: Path) -> None:
    with explored(browser, page, start(level=0.95)) as it:
        heat = it.page.get_by_role("slider", name="Heat map")
        heat.focus()
        last = int(heat.get_attribute("aria-valuemax"))
        assert heat.get_attribute("aria-valuenow") == "1"
        assert "95\xa0%" in heat.get_attribute("aria-valuetext")
        for key, row in (("ArrowUp", 1), ("ArrowDown", 2), ("End", last), ("ArrowDown", last), ("Home", 1)):
            heat.press(key)
            assert heat.get_attribute("aria-valuenow") == str(row)
        heat.press("PageDown")
        assert 1 < int(heat.get_attribute("aria-valuenow")) < last
        heat.press("ArrowLeft")
        assert "90\xa0%" in heat.get_attribute("aria-valuetext")
        told = heat.get_attribute("aria-valuetext")
        heat.press("Enter")
        assert it.hash()["s"] == "0.9"
        assert it.hash()["ex"] in told
        it.page.keyboard.press("Escape")
        assert heat.evaluate("heat => heat === document.activeElement")


def test_the_heat_map_opens_a_row(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.95)) as it:
        changed = set().union(*(expected.ids(arm, level) for arm in ARMS.values() for level in (0.5, 0.9, 0.95)))
        assert f"{len(changed)} pictures that some method changes" in it.page.locator(".x-panel-heat").inner_text()
        canvas = it.page.locator("canvas.x-heat")
        canvas.scroll_into_view_if_needed()
        width = canvas.bounding_box()["width"]
        canvas.click(position={"x": width - 5, "y": 45})
        assert (it.hash()["arm"], it.hash()["s"]) == ("supcon/one_shot", "0.95")
        most = {key: sum(key in expected.ids(ARM, level) for level in (0.5, 0.9, 0.95)) for key in changed}
        assert most[it.hash()["ex"]] == max(most.values())


def test_the_wall_by_keyboard(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.9, kind="lost")) as it:
        rows = it.rows()
        wall = it.page.get_by_role("listbox")
        wall.focus()
        wall.press("ArrowRight")
        assert rows[1]["id"] in it.page.get_by_role("option").first.inner_text()
        wall.press("Enter")
        assert it.hash()["ex"] == rows[1]["id"]
        it.page.keyboard.press("Escape")
        wall.focus()
        wall.press("End")
        wall.press("Enter")
        assert it.hash()["ex"] == rows[-1]["id"]


def test_the_back_button_undoes(browser: Any, page: Path, expected: Expected) -> None:
    with explored(browser, page, start(level=0.9, kind="lost")) as it:
        before = it.hash()
        it.chip("What happened", "All changes").click()
        it.open_first()
        assert "ex" in it.hash()
        it.page.go_back()
        it.page.wait_for_function("!location.hash.includes('ex=')")
        assert it.ids() == expected.ids(ARM, 0.9)
        it.page.go_back()
        it.page.wait_for_function("location.hash.includes('kind=lost')")
        assert it.hash() == before
        assert it.ids() == expected.ids(ARM, 0.9, "lost")
        it.page.go_forward()
        it.page.wait_for_function("!location.hash.includes('kind=lost')")
        assert it.ids() == expected.ids(ARM, 0.9)


def test_copy_link_gives_the_address_of_the_view(browser: Any, page: Path) -> None:
    with explored(
        browser, page, start(level=0.9, kind="lost"), permissions=["clipboard-read", "clipboard-write"]
    ) as it:
        it.open_first()
        it.page.get_by_role("button", name="Copy link to this view").first.click()
        it.page.get_by_role("button", name="Copied").wait_for()
        assert it.page.evaluate("navigator.clipboard.readText()") == it.page.url


def test_the_file_that_is_saved(browser: Any, page: Path, expected: Expected) -> None:
    rows = expected.of[ARM, 0.9]
    by_id = {key: index for index, key in enumerate(rows["example_id"].tolist())}
    with explored(browser, page, start(level=0.9)) as it:
        for saved in it.rows():
            index = by_id[saved["id"]]
            assert [saved["true"], saved["before"], saved["after"]] == [
                str(rows[name][index]) for name in ("label", "dense_label", "pruned_label")
            ]
            votes = round(5 * rows["pruned_agreement"][index])
            assert (saved["votes"], saved["models"]) == (str(votes), "5")


def test_help_opens_by_its_key_and_closes(browser: Any, page: Path) -> None:
    with explored(browser, page) as it:
        it.page.keyboard.press("?")
        dialog = it.page.get_by_role("dialog")
        assert dialog.is_visible()
        it.page.keyboard.press("Escape")
        assert not dialog.is_visible()
        it.page.get_by_role("button", name="Help").click()
        assert dialog.is_visible()


DAMAGED = ("arm=none&s=x&kind=?&class=999&ex=nobody", "s=", "ex=%E0%A4%A", "map=1,2", "votes=9&arm", "=&&&=", "%", "ex")


def test_a_damaged_address_is_passed_over(browser: Any, page: Path) -> None:
    with explored(browser, page, f"#{DAMAGED[0]}") as it:
        first = it.ids()
        assert first
        for damaged in DAMAGED:
            it.page.evaluate("hash => { location.hash = hash; }", damaged)
            assert it.ids() == first


def test_nothing_moves_where_nobody_wants_it(browser: Any, page: Path) -> None:
    with explored(browser, page, start(level=0.9), reduced_motion="reduce") as it:
        it.page.evaluate(
            "() => { window.asked = 0; const ask = requestAnimationFrame;"
            " window.requestAnimationFrame = next => { asked += 1; return ask(next); }; }"
        )
        it.chip("What happened", "Lost").click()
        assert it.page.evaluate("asked") <= 1
