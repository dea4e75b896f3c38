"""Arrays: MAT, NPY, NPZ and raw files beside independent reads; what is refused."""

import struct
import tracemalloc
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import h5py
import numpy as np
import pytest
import scipy.io
from scipy.sparse import csc_array

from pipeline.errors import DataError
from pipeline.readers.array import Array
from pipeline.readers.base import Content, Origin
from pipeline.readers.parts.arrays import npy
from pipeline.readers.parts.mat5 import check_mat

SETTINGS = {"channel_type": "eeg", "unit": "uV", "sfreq": 100}
SAMPLES = np.random.default_rng(3).standard_normal((3, 500)).round(4)
LABELS = np.repeat([0.0, 1.0, 1.7, 1.0], [100, 150, 50, 200])


def read(
    path: Path, *keys: str, settings: dict[str, object] = SETTINGS, **changes: object
) -> Content:
    origins: list[Origin] = [("variable", key) for key in keys]
    reader = Array.model_validate(settings | changes)
    return reader.read(path.parent, [path.name], origins)


def volts(content: Content) -> np.ndarray:
    return content.read(0, content.n_samples)


def saved(path: Path, **variables: object) -> Path:
    scipy.io.savemat(path, variables)
    return path


def save_73(path: Path) -> Path:
    """Write what MATLAB 7.3 writes: HDF5 behind its own header, axes turned."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("data/eeg", data=SAMPLES.T)
        file.create_dataset("fs", data=[[100.0]])
        file.create_dataset("label", data=LABELS[:, None])
        text = file.create_dataset(
            "who", data=np.array([[ord(c)] for c in "P07"], "u2")
        )
        names = [
            file.create_dataset(
                f"#refs#/{k}", data=np.array([[ord(c)] for c in n], "u2")
            )
            for k, n in enumerate(("C3", "C4", "Cz"))
        ]
        cells = file.create_dataset("names", (3, 1), dtype=h5py.ref_dtype)
        for k, name in enumerate(names):
            name.attrs["MATLAB_class"] = np.bytes_("char")
            cells[k, 0] = name.ref
        text.attrs["MATLAB_class"] = np.bytes_("char")
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        opaque = file.create_dataset("table", data=np.zeros((1, 6), "u4"))
        opaque.attrs["MATLAB_class"] = np.bytes_("table")
        opaque.attrs["MATLAB_object_decode"] = 3
        for name in ("data/eeg", "fs", "label"):
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(512))
    return path


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16])
def test_mat_beside_scipy(tmp_path: Path, kind: type) -> None:
    path = saved(tmp_path / "a.mat", eeg=(SAMPLES * 100).astype(kind), fs=100.0)
    content = read(path, sfreq=None, sfreq_variable="fs", scale=0.5)
    expected = scipy.io.loadmat(path)["eeg"].astype(float) * 0.5e-6
    np.testing.assert_allclose(volts(content), expected, rtol=1e-12)
    assert content.channels == ("0", "1", "2")
    assert content.sfreq == 100
    np.testing.assert_array_equal(content.read(7, 11), volts(content)[:, 7:11])


def test_names_in_structs_have_dots(tmp_path: Path) -> None:
    inner = {"eeg": SAMPLES.T, "names": np.array(["C3", "C4", "Cz"], dtype=object)}
    path = saved(tmp_path / "a.mat", data={"run": inner}, who="P07", age=7.0)
    content = read(
        path,
        "who",
        "age",
        variable="data.run.eeg",
        names_variable="data.run.names",
        channels=["Cz", "C3"],
    )
    np.testing.assert_allclose(volts(content), SAMPLES[[2, 0]] * 1e-6)
    assert content.channels == ("Cz", "C3")
    assert content.texts == {("variable", "who"): ("P07",), ("variable", "age"): ("7",)}
    with pytest.raises(
        DataError, match=r"no variable 'data\.run\.emg', among data\.run"
    ):
        read(path, variable="data.run.emg")


def test_mat_73_is_turned_as_scipy_would(tmp_path: Path) -> None:
    path = save_73(tmp_path / "a.mat")
    content = read(
        path,
        "who",
        "label",
        variable="data.eeg",
        axes=["channel", "time"],
        names_variable="names",
        sfreq=None,
        sfreq_variable="fs",
    )
    np.testing.assert_allclose(volts(content), SAMPLES * 1e-6)
    np.testing.assert_allclose(content.read(100, 103), SAMPLES[:, 100:103] * 1e-6)
    assert content.channels == ("C3", "C4", "Cz")
    assert content.texts == {("variable", "who"): ("P07",)}
    assert content.marks["variable", "label"].texts == ("0", "1", "1.7", "1")
    with pytest.raises(DataError, match="MATLAB's class table"):
        read(path, "table", variable="data.eeg")


@pytest.mark.parametrize("suffix", ["mat", "npz"])
def test_a_value_for_each_sample_makes_blocks(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    write = {"mat": scipy.io.savemat, "npz": lambda p, v: np.savez(p, **v)}[suffix]
    write(path, {"eeg": SAMPLES, "label": LABELS[:, None]})
    marks = read(path, "label").marks["variable", "label"]
    assert marks.texts == ("0", "1", "1.7", "1")
    np.testing.assert_allclose(marks.onset_s, [0, 1, 2.5, 3])
    np.testing.assert_allclose(marks.duration_s, [1, 1.5, 0.5, 2])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("turned", [False, True])
def test_npy_beside_numpy(tmp_path: Path, order: str, turned: bool) -> None:
    array = np.asarray(SAMPLES.T if turned else SAMPLES, np.float32, order=order)
    np.save(tmp_path / "a.npy", array)
    content = read(tmp_path / "a.npy")
    loaded = np.load(tmp_path / "a.npy")
    expected = (loaded.T if turned else loaded).astype(float) * 1e-6
    np.testing.assert_array_equal(volts(content), expected)


@pytest.mark.parametrize("dtype", ["<i2", ">i4", "float32"])
@pytest.mark.parametrize("planar", [False, True])
def test_raw_beside_fromfile(tmp_path: Path, dtype: str, planar: bool) -> None:
    counts = (SAMPLES * 1000).astype(dtype)
    path = tmp_path / "a.bin"
    path.write_bytes(b"head" + (counts if planar else counts.T).tobytes())
    axes = ["channel", "time"] if planar else None
    content = read(path, dtype=dtype, n_channels=3, offset=4, scale=0.1, axes=axes)
    flat = np.fromfile(path, dtype, offset=4).astype(float)
    expected = flat.reshape(3, -1) if planar else flat.reshape(-1, 3).T
    np.testing.assert_allclose(volts(content), expected * 0.1e-6)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="cut short"):
        read(path, dtype=dtype, n_channels=3, offset=4)


def test_long_files_are_read_in_pieces(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((200_000, 16), np.float32))
    tracemalloc.start()
    content = read(tmp_path / "a.npy")
    content.read(150_000, 151_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3e6


def test_holes_stay_holes(tmp_path: Path) -> None:
    array = SAMPLES.copy()
    array[1, 7] = np.nan
    np.save(tmp_path / "a.npy", array)
    found = np.argwhere(np.isnan(volts(read(tmp_path / "a.npy"))))
    assert found.tolist() == [[1, 7]]


def test_vectors_are_one_channel(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mat", ecg=SAMPLES[:1], fs=100.0)
    content = read(path, names=["II"], channel_type="ecg")
    np.testing.assert_allclose(volts(content), SAMPLES[:1] * 1e-6)
    assert content.types == ("ecg",)


@pytest.mark.parametrize(
    ("variables", "changes", "found"),
    [
        ({"a": SAMPLES, "b": SAMPLES}, {}, "holds a 3 × 500, b 3 × 500"),
        ({"a": SAMPLES[:, :3]}, {}, "either axis can be time"),
        ({"a": SAMPLES.reshape(3, 5, 100)}, {"variable": "a"}, r"shape \(3, 5, 100\)"),
        ({"a": "text"}, {"variable": "a"}, "of type"),
        ({"a": csc_array(SAMPLES)}, {"variable": "a"}, "MATLAB's class sparse"),
        ({"a": {"b": 1.0}}, {"variable": "a"}, "a struct with b"),
        ({"a": SAMPLES}, {"names": ["x", "y"]}, "2 names for 3 channels"),
        ({"a": SAMPLES}, {"sfreq": None}, "no sampling rate"),
        ({"a": SAMPLES}, {"channel_type": None}, "not stated"),
        ({"a": SAMPLES}, {"unit": None}, "unit of channel '0' is not stated"),
        ({"a": SAMPLES, "fs": 50.0}, {"sfreq_variable": "fs"}, "50 Hz by the file"),
        ({"a": SAMPLES}, {"dtype": "i2", "n_channels": 3}, "gives its own type"),
        ({"a": SAMPLES * 1j}, {"variable": "a"}, "of type complex"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, variables: dict[str, object], changes: dict[str, object], found: str
) -> None:
    with pytest.raises(DataError, match=found):
        read(saved(tmp_path / "a.mat", **variables), **changes)


def test_labels_that_fit_no_sample(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mat", a=SAMPLES, label=LABELS[:100])
    with pytest.raises(DataError, match=r"'label' has the shape \(100,\)"):
        read(path, "label", variable="a")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", eeg=SAMPLES, evil=np.array([{}], dtype=object))
    assert volts(read(tmp_path / "a.npz")).shape == (3, 500)
    with pytest.raises(DataError, match="Python objects"):
        read(tmp_path / "a.npz", "evil")
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(DataError, match="of type object"):
        read(tmp_path / "a.npy")


def test_files_cut_short(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SAMPLES)
    saved(tmp_path / "a.mat", a=SAMPLES)
    for name, found in (("a.npy", "is cut short: 11928"), ("a.mat", "is damaged")):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(DataError, match=found):
            volts(read(path))


def test_a_raw_file_needs_its_type(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(12))
    with pytest.raises(DataError, match="no format that gives its type"):
        read(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"dtype": "object", "n_channels": 2}, "a type of numbers"),
        ({"dtype": "<i2"}, "dtype goes with n_channels"),
        ({"n_channels": 2}, "go with dtype"),
        ({"axes": ["time", "time"]}, "axes is"),
        ({"names": ["a"], "names_variable": "b"}, "either names"),
    ],
)
def test_settings_that_contradict(changes: dict[str, object], found: str) -> None:
    with pytest.raises(ValueError, match=found):
        Array.model_validate(SETTINGS | changes)


def lying(shape: tuple[int, ...], there: np.ndarray) -> bytes:
    """Write an array whose header states another shape."""
    stream = BytesIO()
    facts = {"descr": there.dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, facts)
    return stream.getvalue() + there.tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_headers_that_state_another_length(tmp_path: Path, packed: bool) -> None:
    def write(length: int) -> Path:
        content = lying((length, 3), SAMPLES.T)
        path = tmp_path / ("a.npz" if packed else "a.npy")
        path.write_bytes(content)
        if packed:
            with ZipFile(path, "w") as archive:
                archive.writestr("eeg.npy", content)
        return path

    assert volts(read(write(500))).shape == (3, 500)
    for length in (501, 10**15):
        with pytest.raises(DataError, match="is cut short"):
            read(write(length))
    with pytest.raises(
        DataError, match=r"holds 1\d+ bytes, and its header states"
    ) as caught:
        read(write(300))
    assert "unchecked to [checksum]" in caught.value.remedy
    assert read(write(300), unchecked=["checksum"]).n_samples == 300
    assert read(write(499)).remarks == ("bytes behind the last sample, left out: 24",)


def test_an_array_that_unpacks_to_far_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npy, "LARGEST", 10_000)
    np.savez_compressed(tmp_path / "a.npz", eeg=np.zeros((3, 50_000)))
    with pytest.raises(DataError, match=r"unpacks from \d+ to 1200128 bytes"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("chunks", [None, (3, 100)])
def test_datasets_that_were_never_written(
    tmp_path: Path, chunks: tuple[int, int] | None
) -> None:
    """HDF5 gives zeros there, as many as the header claims."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("eeg", (3, 10**15), "f8", chunks=(3, 100))
        made[:, :100] = SAMPLES[:, :100]
    with pytest.raises(DataError, match="holds 1 of the 10000000000000 chunks"):
        read(path)
    with h5py.File(path, "w") as file:
        made = file.create_dataset("eeg", (3, 500), "f8", chunks=chunks)
        if chunks:
            made[:, :400] = SAMPLES[:, :400]
    found = "4 of the 5 chunks" if chunks else "0 of the 12000 bytes"
    with pytest.raises(DataError, match=found):
        read(path)
    assert read(path, unchecked=["checksum"]).n_samples == 500
    with h5py.File(path, "w") as file:
        file.create_dataset("eeg", data=SAMPLES, chunks=chunks)
    assert read(path).n_samples == 500


@pytest.mark.parametrize("suffix", ["mat", "npz", "h5"])
def test_rates_in_float32(tmp_path: Path, suffix: str) -> None:
    """249.89 is 249.88999938964844 there, which is not another rate."""
    path, rate = tmp_path / f"a.{suffix}", np.float32(249.89)
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("eeg", data=SAMPLES)
            file.create_dataset("fs", data=rate)
    else:
        write = saved if suffix == "mat" else np.savez
        write(path, eeg=SAMPLES, fs=rate)
    settings = {"variable": "eeg", "sfreq_variable": "fs"}
    assert read(path, sfreq=None, **settings).sfreq == 249.89
    assert read(path, sfreq=249.89, **settings).sfreq == 249.89
    with pytest.raises(DataError, match="by the reader's settings"):
        read(path, sfreq=249.9, **settings)


@pytest.mark.parametrize("packed", [False, True])
def test_mat_files_on_which_scipy_would_end_the_process(
    tmp_path: Path, packed: bool
) -> None:
    """Types that do not exist, sizes and shapes that do not fit: each is named."""
    cells = np.array(["a", 1.0, np.eye(2)], dtype=object)
    nested = {"x": np.arange(5), "t": "hello", "c": cells}
    path = tmp_path / "a.mat"
    scipy.io.savemat(
        path, {"eeg": SAMPLES, "s": nested, "z": SAMPLES * 1j}, do_compression=packed
    )
    assert read(path, variable="eeg").n_samples == 500
    content = path.read_bytes()
    refused = 0
    for at in range(128, 128 + 300, 3):
        damaged = bytearray(content)
        damaged[at] ^= 0x10
        path.write_bytes(damaged)
        try:
            check_mat(path, path.name)
        except DataError:
            refused += 1
    assert refused > (90 if packed else 10)
    path.write_bytes(content)
    check_mat(path, path.name)


@pytest.mark.parametrize(
    ("at", "word", "found"),
    [
        (128, 99, "an element of type 99"),
        (132, 2**31, "an element of type 14 and 2147483648 bytes"),
        (136, 8, "an element of type 8"),
        (144, 5 + 256, "a variable of class 5|numbers"),
        (160, 2**31, "of the shape"),
        (176, 22, "an element of type 22"),
        (176, 7, "3000 numbers for 1500"),
    ],
)
def test_damaged_elements_of_mat_files(
    tmp_path: Path, at: int, word: int, found: str
) -> None:
    path = saved(tmp_path / "a.mat", eeg=SAMPLES)
    content = bytearray(path.read_bytes())
    content[at : at + 4] = struct.pack("<I", word)
    path.write_bytes(content)
    with pytest.raises(DataError, match=found):
        read(path)


def test_samples_in_another_file_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["eeg"] = SAMPLES
    (tmp_path / "other.bin").write_bytes(SAMPLES.tobytes())
    layout = h5py.VirtualLayout(SAMPLES.shape, "f8")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "eeg", SAMPLES.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["linked"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "eeg")
        file.create_dataset(
            "raw",
            SAMPLES.shape,
            "f8",
            external=[(tmp_path / "other.bin", 0, SAMPLES.nbytes)],
        )
        file.create_virtual_dataset("view", layout)
        file["own"] = SAMPLES
        file["soft"] = h5py.SoftLink("/own")
    for name in ("linked", "raw", "view"):
        with pytest.raises(
            DataError, match=f"'{name}' is (in another|a view of other)"
        ):
            read(tmp_path / "a.h5", variable=name)
    for name in ("own", "soft"):
        found = volts(read(tmp_path / "a.h5", variable=name))
        np.testing.assert_allclose(found, SAMPLES * 1e-6)


SEQUENCES = np.random.default_rng(5).integers(-1, 2, (4, 50, 3)).astype(np.int16)
EVENTS = {"channel_type": "stim", "sfreq": 100, "variable": "x"}


@pytest.mark.parametrize(
    "axes", [("segment", "time", "channel"), ("channel", "segment", "time")]
)
@pytest.mark.parametrize("suffix", ["mat", "npz", "h5"])
def test_segments_follow_each_other(
    tmp_path: Path, axes: tuple[str, ...], suffix: str
) -> None:
    order = [("segment", "time", "channel").index(name) for name in axes]
    path, x = tmp_path / f"a.{suffix}", SEQUENCES.transpose(order)
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            file["x"] = x
    elif suffix == "npz":
        np.savez(path, x=x)
    else:
        saved(path, x=x)
    content = read(path, settings=EVENTS, axes=axes)
    joined = SEQUENCES.reshape(-1, 3).T
    np.testing.assert_array_equal(volts(content), joined)
    np.testing.assert_array_equal(content.read(40, 163), joined[:, 40:163])
    assert [s.start for s in content.segments] == [0, 50, 100, 150]
    assert [s.onset_s for s in content.segments] == [0, 0.5, 1.0, 1.5]
    assert content.types == ("stim", "stim", "stim")


def test_a_column_of_ones_names_the_class_of_a_sample(tmp_path: Path) -> None:
    hot = np.zeros((4, 50, 3), np.uint8)
    hot[:2, :, 0] = 1
    hot[2, :30, 2] = 1
    hot[2, 40:, 1:] = 1
    state = np.arange(200).reshape(4, 50) // 70
    path = saved(tmp_path / "a.mat", x=SEQUENCES, y=hot, state=state)
    axes = ("segment", "time", "channel")
    content = read(path, "y", "state", settings=EVENTS, axes=axes)
    marks = content.marks["variable", "y"]
    assert marks.texts == ("0", "2", "none", "1,2", "none")
    np.testing.assert_allclose(marks.onset_s, [0, 1.0, 1.3, 1.4, 1.5])
    np.testing.assert_allclose(marks.duration_s, [1.0, 0.3, 0.1, 0.1, 0.5])
    assert content.marks["variable", "state"].texts == ("0", "1", "2")
    flat = saved(tmp_path / "b.mat", x=SAMPLES, y=np.eye(3)[np.arange(500) // 200])
    assert read(flat, "y", variable="x").marks["variable", "y"].texts == ("0", "1", "2")


def test_rows_that_are_not_of_zeros_and_ones(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mat", x=SEQUENCES, y=np.full((4, 50, 3), 2))
    with pytest.raises(DataError, match=r"'y' has the shape \(4, 50, 3\)"):
        read(path, "y", settings=EVENTS, axes=("segment", "time", "channel"))


def test_segments_need_three_axes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mat", x=SAMPLES)
    axes = ("segment", "time", "channel")
    with pytest.raises(DataError, match=r"the shape \(3, 500\)"):
        read(path, settings=EVENTS, axes=axes)
    for changes, found in (
        ({"axes": ("segment", "time")}, "axes is"),
        ({"axes": axes, "dtype": "<i2", "n_channels": 3}, "hold no segments"),
        ({"unit": "V"}, "have no unit"),
    ):
        with pytest.raises(ValueError, match=found):
            Array.model_validate(EVENTS | changes)
