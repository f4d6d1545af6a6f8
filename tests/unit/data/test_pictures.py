"""Pictures: every kind that an audit opens, and every kind of damage that it refuses before any work."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from piescope.data.dataset import Dataset
from piescope.data.opening import open_pictures
from piescope.data.pictures import Pictures
from piescope.data.readers.decoding import decoded
from piescope.data.sources import load_source
from piescope.problems import DataError

RNG = np.random.default_rng(0)


def png(picture: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", **options)
    return buffer.getvalue()


def picture(height: int = 6, width: int = 5, channels: int = 3) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return RNG.integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Two classes, sizes that differ, one grey picture."""
    held = {
        "cat/a.png": picture(6, 5),
        "cat/b.png": picture(9, 7),
        "dog/c.png": picture(4, 4, channels=1),
    }
    root = tmp_path / "photos"
    for name, each in held.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(each))
    return root, held


def fault(text: str | Path, data_dir: Path | None = None) -> str:
    with pytest.raises(DataError) as caught:
        open_pictures(str(text), data_dir)
    message = str(caught.value)
    assert all(word in message for word in ("found", "expected", "cure"))
    return message


# --- data sets by name, Python values ---------------------------------------------------------------------------


def test_digits_are_the_test_half_and_train_is_said() -> None:
    splits = load_source("digits")
    test, train = open_pictures("digits"), open_pictures("train:digits")
    assert (len(test), len(train)) == (797, 1000)
    assert tuple(test.ids) == splits.test.ids and test.class_names == splits.test.class_names
    assert np.array_equal(test.labels, splits.test.labels) and test.labels.dtype == np.int64
    assert np.array_equal(np.stack(test.batch(5, 9)), splits.test.images[5:9, 0])
    assert np.array_equal(train.batch(0, 1)[0], splits.train.images[0, 0])
    assert train.name != test.name


def test_batches_end_where_the_pictures_end() -> None:
    digits = open_pictures("digits")
    assert len(digits.batch(790, 10_000)) == 7
    assert digits.batch(797, 800) == [] and digits.batch(5, 5) == []


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    assert "did you mean 'digits'" in fault("digit")


def test_python_values() -> None:
    images = RNG.integers(0, 256, (4, 3, 6, 5), dtype=np.uint8)
    dataset = Dataset(images, np.array([0, 1, 1, 0]), ("a", "b", "c", "d"), ("no", "yes"))
    of_dataset = Pictures.of(dataset)
    assert of_dataset.class_names == ("no", "yes") and tuple(of_dataset.ids) == ("a", "b", "c", "d")
    for given_images in (images, images.transpose(0, 2, 3, 1), list(images.transpose(0, 2, 3, 1))):
        pictures = Pictures.of((given_images, [0, 1, 1, 0]))
        assert np.array_equal(np.stack(pictures.batch(0, 4)), images.transpose(0, 2, 3, 1))
        assert pictures.labels is not None and pictures.labels.tolist() == [0, 1, 1, 0]
    grey = Pictures.of(images[:, 0])
    assert grey.labels is None and np.array_equal(grey.batch(2, 3)[0], images[2, 0])
    assert Pictures.of(of_dataset) is of_dataset


@pytest.mark.parametrize(
    ("images", "labels", "word"),
    [
        (np.zeros((2, 3, 8, 8), np.float32), None, "uint8"),
        (np.zeros((2, 9, 8, 8), np.uint8), None, "channels"),
        (np.zeros((2, 3, 8, 8), np.uint8), [0], "labels"),
        (np.zeros((2, 3, 8, 8), np.uint8), [0.0, 1.0], "labels"),
        (np.zeros((2, 3, 8, 8), np.uint8), [0, -1], "class ids"),
        ([np.zeros((2, 2), np.float32)], None, "uint8"),
        ([np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8)], None, "channels"),
        ([], None, "uint8"),
    ],
)
def test_wrong_python_values_are_refused(images: object, labels: object, word: str) -> None:
    with pytest.raises(DataError, match=word):
        Pictures.of((images, labels))


# --- folders of pictures ----------------------------------------------------------------------------------------


def test_a_folder_of_classes(folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, held = folder
    pictures = open_pictures(str(root))
    assert tuple(pictures.ids) == tuple(held) and pictures.class_names == ("cat", "dog")
    assert pictures.labels is not None and pictures.labels.tolist() == [0, 0, 1]
    for made, expected in zip(pictures.batch(0, 3), held.values(), strict=True):
        assert made.dtype == np.uint8 and np.array_equal(made, expected)
    relative = open_pictures("photos", root.parent)
    assert tuple(relative.ids) == tuple(held)


def test_the_half_is_found_inside(folder: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    root, held = folder
    for half in ("train", "val"):
        (tmp_path / "both" / half).parent.mkdir(exist_ok=True)
        (tmp_path / "both" / half).symlink_to(root)
    test, train = open_pictures(str(tmp_path / "both")), open_pictures(f"train:{tmp_path / 'both'}")
    assert test.ids[0] == "val/cat/a.png" and train.ids[0] == "train/cat/a.png"
    assert any("val" in note for note in test.notes) and len(test) == len(train) == len(held)
    assert "leave train: away" in fault(f"train:{root}")


def test_pictures_without_classes_have_no_labels(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(png(picture()))
    (tmp_path / "readme.txt").write_text("what these are")
    pictures = open_pictures(str(tmp_path))
    assert tuple(pictures.ids) == ("a.png", "b.png") and pictures.labels is None and pictures.class_names is None


def test_pixels_are_decoded_only_when_asked(
    folder: tuple[Path, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = folder
    loaded = []
    original = Image.Image.load
    from PIL import ImageFile

    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: (loaded.append(1), original(self))[1])
    pictures = open_pictures(str(root))
    assert not loaded
    monkeypatch.undo()
    assert len(pictures.batch(0, 1)) == 1


def test_alpha_palette_cmyk_and_16_bits(tmp_path: Path) -> None:
    rgb = picture(8, 8)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.dstack([rgb, np.full((8, 8), 7, np.uint8)]), "RGBA").save(tmp_path / "a/alpha.png")
    Image.fromarray(rgb).convert("P").save(tmp_path / "a/palette.png")
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "b/print.jpg")
    pictures = open_pictures(str(tmp_path))
    alpha, palette, cmyk = pictures.batch(0, 3)
    assert np.array_equal(alpha, rgb)
    assert palette.shape == cmyk.shape == (8, 8, 3)
    assert any("1 CMYK" in note for note in pictures.notes)
    Image.fromarray(RNG.integers(0, 65536, (8, 8), dtype=np.uint16)).save(tmp_path / "b/deep.png")
    assert "I;16" in fault(tmp_path) and "8-bit" in fault(tmp_path)


def test_16_bit_rgb_is_converted_and_said(tmp_path: Path) -> None:
    """Pillow writes no such PNG, so it is made by hand: one pixel, 16 bits a channel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (1).to_bytes(4, "big") * 2 + bytes([16, 2, 0, 0, 0])
    rows = zlib.compress(b"\x00" + b"\xff\x00\x80\x00\x10\x00")
    made = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(made)
    pictures = open_pictures(str(tmp_path))
    assert pictures.batch(0, 1)[0].tolist() == [[[255, 128, 16]]]
    assert any("16-bit" in note for note in pictures.notes)


def bomb() -> bytes:
    """A PNG that says it has 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (60_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x.png", b"", "0 bytes"),
        ("x.png", b"no picture at all", "no whole picture"),
        ("x.svg", b"<svg/>", "SVG"),
        ("x.png", bomb(), "pixels"),
        ("x.gif", b"GIF89a", "GIF"),
        ("x.png", b"GIF89a\x01\x00\x01\x00", "no whole picture"),
        ("bad\nname.png", png(picture()), "printable"),
    ],
)
def test_damaged_pictures_are_named_before_any_work(
    folder: tuple[Path, dict[str, np.ndarray]], name: str, content: bytes, word: str
) -> None:
    root, _ = folder
    (root / "dog" / name).write_bytes(content)
    message = fault(root)
    assert word in message
    assert str(root.parent) not in message


def test_a_truncated_picture_is_named_when_it_is_read(folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, _ = folder
    whole = png(picture(64, 64))
    (root / "dog" / "d.png").write_bytes(whole[: len(whole) // 2])
    pictures = open_pictures(str(root))
    assert len(pictures.batch(0, 3)) == 3
    with pytest.raises(DataError, match=r"dog/d\.png"):
        pictures.batch(0, 4)


@pytest.mark.parametrize(
    "arrange",
    [
        lambda root: None,
        lambda root: (root / "cat").mkdir(),
        lambda root: (root / "cat").symlink_to(root / "cat"),
        lambda root: ((root / "cat").mkdir(), (root / "cat" / "loop").symlink_to(root)),
        lambda root: ((root / "cat").mkdir(), (root / "cat" / "a.png").write_bytes(png(picture()))),
        lambda root: ((root / "cat").mkdir(), (root / "cat" / "a.png").mkdir()),
        lambda root: (
            (root / "cat").mkdir(),
            (root / "cat/a.png").write_bytes(png(picture())),
            (root / "b.png").write_bytes(png(picture())),
        ),
    ],
    ids=["empty", "empty class", "loop", "folder loop", "one class", "folder named png", "mixed"],
)
def test_folders_that_hold_something_else(tmp_path: Path, arrange: object) -> None:
    root = tmp_path / "data"
    root.mkdir()
    arrange(root)  # type: ignore[operator]
    fault(root)


# --- NumPy files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [False, True])
def test_npz(tmp_path: Path, last: bool) -> None:
    images = RNG.integers(0, 256, (5, 3, 8, 9), dtype=np.uint8)
    held = images.transpose(0, 2, 3, 1) if last else images
    path = tmp_path / "mine.npz"
    np.savez_compressed(
        path, images=held, labels=np.array([0, 1, 2, 1, 0], np.uint8), class_names=["a", "b", "c"], ids=list("vwxyz")
    )
    pictures = open_pictures(str(path))
    assert np.array_equal(np.stack(pictures.batch(1, 4)), images[1:4].transpose(0, 2, 3, 1))
    assert pictures.class_names == ("a", "b", "c") and tuple(pictures.ids) == tuple("vwxyz")
    np.savez(tmp_path / "test.npz", images=held[:2])
    inside = open_pictures(str(tmp_path))
    assert len(inside) == 2 and inside.labels is None and inside.ids[0] == "test-000000"


@pytest.mark.parametrize(
    "arrays",
    [
        {"labels": np.zeros(2, int)},
        {"images": np.zeros((2, 8, 8, 3), np.float32)},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.array([0, 5]), "class_names": ["a", "b"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.array([0, 1]), "class_names": ["a", "a"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "ids": ["x", "x"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "ids": ["x", "y\n"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.array([[0], [1]])},
        {"images": np.zeros((0, 8, 8, 3), np.uint8)},
        {"images": np.array([{}, {}], dtype=object)},
    ],
)
def test_wrong_npz(tmp_path: Path, arrays: dict[str, object]) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    fault(tmp_path / "mine.npz")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), suffix=st.sampled_from([".npz", ".parquet", ".arrow"]))
def test_damaged_files_are_refused_and_nothing_else_happens(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    """Any bytes, and any damage of a whole file: an InputError, or pictures."""
    if not (tmp_path / "whole.npz").exists():
        np.savez(tmp_path / "whole.npz", images=np.zeros((2, 8, 8), np.uint8), labels=np.array([0, 1]))
        parquet.write_table(hf_table([picture(), picture()], [0, 1]), tmp_path / "whole.parquet")
        write_stream(hf_table([picture(), picture()], [0, 1]), tmp_path / "whole.arrow")
    content = bytearray((tmp_path / f"whole{suffix}").read_bytes())
    if data.draw(st.booleans()):
        content = bytearray(data.draw(st.binary(max_size=200)))
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
        content = content[: data.draw(st.integers(1, len(content)))]
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    try:
        pictures = open_pictures(str(path))
        pictures.batch(0, len(pictures))
    except DataError:
        pass


# --- data sets of Hugging Face ----------------------------------------------------------------------------------

FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}


def hf_table(pictures: list[np.ndarray], labels: list[int], **more: list[object]) -> pa.Table:
    """As the library ``datasets`` writes it."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "image": pa.array([{"bytes": png(each), "path": f"{row}.png"} for row, each in enumerate(pictures)], kind),
            "label": pa.array(labels, pa.int64()),
            **more,
        }
    )
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES}})})


def write_stream(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=2):
            writer.write_batch(batch)


def save_to_disk(root: Path, shards: list[pa.Table]) -> None:
    root.mkdir(parents=True)
    names = [f"data-{index:05d}-of-{len(shards):05d}.arrow" for index in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        write_stream(shard, root / name)
    (root / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))
    (root / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))


def test_save_to_disk_in_shards(tmp_path: Path) -> None:
    held = [picture(6 + index, 5) for index in range(5)]
    save_to_disk(tmp_path / "saved", [hf_table(held[:3], [0, 1, 0]), hf_table(held[3:], [1, 1])])
    pictures = open_pictures(str(tmp_path / "saved"))
    assert pictures.labels is not None and pictures.labels.tolist() == [0, 1, 0, 1, 1]
    assert pictures.class_names == ("cat", "dog") and pictures.ids[4] == "test-000004"
    for made, expected in zip(pictures.batch(2, 5), held[2:], strict=True):
        assert np.array_equal(made, expected)
    assert "datasets" not in sys.modules


def test_a_dict_of_halves(tmp_path: Path) -> None:
    root = tmp_path / "saved"
    save_to_disk(root / "train", [hf_table([picture()] * 3, [0, 1, 0])])
    save_to_disk(root / "validation", [hf_table([picture()] * 2, [0, 1])])
    (root / "dataset_dict.json").write_text('{"splits": ["train", "validation"]}')
    test, train = open_pictures(str(root)), open_pictures(f"train:{root}")
    assert (len(test), len(train)) == (2, 3) and any("validation" in note for note in test.notes)


def test_parquet_shards_are_read_a_row_group_at_a_time(tmp_path: Path) -> None:
    held = [picture(6 + index, 5) for index in range(9)]
    labels = [0, 1, 0, 1, 1, 0, 0, 1, 1]
    (tmp_path / "data").mkdir()
    for index, part in enumerate((slice(0, 5), slice(5, 9))):
        table = hf_table(held[part], labels[part], id=[f"p{row}" for row in range(9)[part]])
        parquet.write_table(table, tmp_path / "data" / f"test-{index:05d}-of-00002.parquet", row_group_size=2)
    parquet.write_table(hf_table([picture()], [0]), tmp_path / "data" / "train-00000-of-00001.parquet")
    pictures = open_pictures(str(tmp_path))
    assert pictures.labels is not None and pictures.labels.tolist() == labels
    assert list(pictures.ids) == [f"p{row}" for row in range(9)]
    for start, stop in ((0, 9), (3, 7), (8, 9), (1, 2), (0, 1)):
        for made, expected in zip(pictures.batch(start, stop), held[start:stop], strict=True):
            assert np.array_equal(made, expected)
    assert len(open_pictures(f"train:{tmp_path}")) == 1


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    """400 pictures of 1 MB in 100 row groups, walked through in a process that may not keep them."""
    noise = RNG.integers(0, 256, (580, 580, 3), dtype=np.uint8)
    table = hf_table([noise] * 4, [0, 1, 0, 1])
    with parquet.ParquetWriter(
        tmp_path / "test.parquet", table.schema, compression="none", use_dictionary=False
    ) as writer:
        for _ in range(60):
            writer.write_table(table)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from piescope.data.opening import open_pictures\n"
        f"pictures = open_pictures({str(tmp_path)!r})\n"
        "pictures.batch(0, 4)\n"
        "def peak(): return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) // 1024\n"
        "before = peak()\n"
        "for start in range(0, len(pictures), 4): pictures.batch(start, start + 4)\n"
        "print(len(pictures), peak() - before, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, grown, torch = done.stdout.split()
    assert count == "240" and int(grown) < 100 and torch == "False"


def test_hidden_labels(tmp_path: Path) -> None:
    parquet.write_table(hf_table([picture()] * 2, [-1, -1]), tmp_path / "test.parquet")
    pictures = open_pictures(str(tmp_path))
    assert pictures.labels is None and any("no labels" in note for note in pictures.notes)
    parquet.write_table(hf_table([picture()] * 2, [-1, 1]), tmp_path / "test.parquet")
    assert "class ids" in fault(tmp_path)


def test_faults_of_hugging_face_folders(tmp_path: Path) -> None:
    elsewhere = hf_table([picture()], [0])
    kind = elsewhere.schema.field("image").type
    elsewhere = elsewhere.set_column(0, "image", pa.array([{"bytes": None, "path": "/home/someone/x.png"}], kind))
    parquet.write_table(elsewhere, tmp_path / "elsewhere.parquet")
    with pytest.raises(DataError, match="lies elsewhere"):
        open_pictures(str(tmp_path / "elsewhere.parquet")).batch(0, 1)
    parquet.write_table(pa.table({"text": ["a"], "label": [0]}), tmp_path / "text.parquet")
    assert "pictures" in fault(tmp_path / "text.parquet")
    root = tmp_path / "saved"
    save_to_disk(root, [hf_table([picture()], [0])])
    for state in (
        '{"_data_files": [{"filename": "../elsewhere.parquet"}]}',
        '{"_data_files": []}',
        "[]",
        "{",
        "[" * 100_000,
    ):
        (root / "state.json").write_text(state)
        fault(root)
    whole = hf_table([picture()] * 2, [0, 7])
    parquet.write_table(whole, tmp_path / "label.parquet")
    assert "class names" in fault(tmp_path / "label.parquet")
    (tmp_path / "only").mkdir()
    parquet.write_table(hf_table([picture()], [0]), tmp_path / "only" / "train-00000-of-00001.parquet")
    assert "train:" in fault(tmp_path / "only")


def test_offsets_that_lie_are_found_before_they_are_followed(tmp_path: Path) -> None:
    """Arrow would read beyond its buffers."""
    offsets = np.array([0, 1 << 30, 10], np.int32)
    column = pa.Array.from_buffers(pa.binary(), 2, [None, pa.py_buffer(offsets), pa.py_buffer(b"x" * 10)])
    table = pa.table({"image": column})
    with pa.OSFile(str(tmp_path / "lie.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    assert "no whole table" in fault(tmp_path / "lie.arrow")


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(16, 16)).save(buffer, "JPEG")
    return buffer.getvalue()


WHOLE = [png(picture()), png(picture(channels=1)), jpeg(), b"P5 4 4 255 "]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_decoding_any_bytes_gives_a_picture_or_a_fault(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        made = decoded(bytes(content), "it")
    except DataError:
        return
    assert made.dtype == np.uint8 and made.ndim in (2, 3)


def test_neither_torch_nor_pandas_is_loaded() -> None:
    code = (
        "import sys, piescope.data.opening, piescope.adapters.opening, piescope.adapters.compression\n"
        "piescope.adapters.opening.names_a_model('dense.csv')\n"
        "piescope.adapters.compression.parse_compressions('magnitude:0.5 int8')\n"
        "assert 'pandas' not in sys.modules\n"
        "piescope.data.opening.open_pictures('digits').batch(0, 4)\n"  # scikit-learn loads pandas
        "print([name for name in ('torch', 'transformers', 'onnxruntime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
