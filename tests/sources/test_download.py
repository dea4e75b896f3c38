"""Downloads, tried against a server on this machine and against mirror folders."""

import hashlib
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from pydantic import ValidationError

from pipeline.components import find
from pipeline.errors import DataError
from pipeline.sources.base import Fetched
from pipeline.sources.download import Download

CHECKSUMS = Path(__file__).resolve().parents[2] / "data" / "checksums"
TREE = {
    f"set/{subject}{ending}": f"{subject}{ending}".encode() * 5000
    for subject in ("a", "b", "c")
    for ending in (".hea", ".dat")
}
NAMES = tuple(name.removeprefix("set/") for name in TREE)
ZIP = "gestures.zip"


class Server(ThreadingHTTPServer):
    """Serves `tree`, counts what it is asked for, and cuts files in `cut` short."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tree: dict[str, bytes] = {}
        self.cut: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.status: dict[str, int] = {}
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = unquote(self.path.removeprefix("/"))
        self.server.asked[name] += 1
        content = self.server.tree.get(name)
        if content is None or name in self.server.status:
            self.send_error(self.server.status.get(name, 404))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.cut[name] > 0:
            self.server.cut[name] -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        made.tree = dict(TREE)
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIOSPIKE_MIRROR", "BIOSPIKE_MIRROR_PARTIAL", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # Pooch waits a second longer before each new attempt.
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "raw"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def listed(path: Path, contents: dict[str, bytes]) -> Path:
    lines = (f"{sha256(content)}  {name}\n" for name, content in contents.items())
    path.write_text("".join(lines), encoding="utf-8")
    return path


def pinned(tmp_path: Path) -> Path:
    complete = {name.removeprefix("set/"): content for name, content in TREE.items()}
    return listed(tmp_path / "set.sha256", complete)


def download(home: str = "http://127.0.0.1:9/", **changes: object) -> Download:
    settings = {
        "home": home,
        "mirror": "set",
        "pattern": "{subject}.hea",
        "files": NAMES,
        **changes,
    }
    return Download.model_validate(settings)


def fetch(source: Download, target: Path) -> Fetched:
    fetched = source.fetch(target, seed=0)
    on_disk = {
        path.relative_to(target).as_posix(): sha256(path.read_bytes())
        for path in target.rglob("*")
        if path.is_file()
    }
    assert on_disk == fetched.files
    return fetched


def lay_out(folder: Path, tree: dict[str, bytes]) -> Path:
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def without(*names: str) -> dict[str, bytes]:
    return {n: c for n, c in TREE.items() if n.removeprefix("set/") not in names}


def zipped(path: Path, *subjects: str) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for subject in subjects:
            archive.writestr(f"top/{subject}/1_raw.txt", f"{subject} 1 2 3\n" * 100)
    return path.read_bytes()


def archive_source(home: str = "http://127.0.0.1:9/", **changes: object) -> Download:
    return download(home, files={ZIP: "at+home.zip"}, **changes)


def home_with(server: Server, **lists: str) -> Download:
    """A home with lists, whose files stand in no setting."""
    for name, text in lists.items():
        server.tree[f"set/{name}"] = text.encode()
    return download(f"{server.url}set/", files=())


def test_is_the_component_called_download() -> None:
    assert find("sources", "download") is Download


def test_downloads_all_files(server: Server, target: Path, tmp_path: Path) -> None:
    source = download(f"{server.url}set/", checksums=pinned(tmp_path))
    fetched = fetch(source, target)
    assert fetched.files == {
        name.removeprefix("set/"): sha256(content) for name, content in TREE.items()
    }
    assert fetched.absent == {}
    assert server.asked == dict.fromkeys(TREE, 1)


@pytest.mark.parametrize("with_list", [True, False])
def test_a_second_run_asks_for_nothing(
    server: Server, target: Path, tmp_path: Path, with_list: bool
) -> None:
    list_ = pinned(tmp_path) if with_list else None
    source = download(f"{server.url}set/", checksums=list_)
    first = fetch(source, target)
    server.asked.clear()
    assert fetch(source, target) == first
    assert not server.asked


def test_a_wrong_checksum_is_reported_and_the_file_stays_out(
    server: Server, target: Path, tmp_path: Path
) -> None:
    server.tree["set/b.dat"] = b"changed"
    source = download(f"{server.url}set/", checksums=pinned(tmp_path))
    with pytest.raises(DataError) as caught:
        source.fetch(target, seed=0)
    assert caught.value.where == f"{server.url}set/b.dat"
    assert caught.value.found == f"its SHA-256 is {sha256(b'changed')}"
    assert caught.value.expected == sha256(TREE["set/b.dat"])
    assert "replace this file" in caught.value.remedy
    assert {path.name for path in target.iterdir()} == {"a.hea", "a.dat", "b.hea"}
    assert server.asked["set/b.dat"] == 1


def test_a_damaged_finished_file_is_fetched_again(
    server: Server, target: Path, tmp_path: Path
) -> None:
    source = download(f"{server.url}set/", checksums=pinned(tmp_path))
    first = fetch(source, target)
    (target / "b.dat").write_bytes(b"damaged")
    server.asked.clear()
    assert fetch(source, target) == first
    assert server.asked == {"set/b.dat": 1}


def test_a_connection_cut_once_is_tried_again(server: Server, target: Path) -> None:
    server.cut["set/b.dat"] = 1
    fetched = fetch(download(f"{server.url}set/"), target)
    assert fetched.files["b.dat"] == sha256(TREE["set/b.dat"])
    assert server.asked["set/b.dat"] == 2


def test_a_connection_that_stays_cut_loses_no_finished_file(
    server: Server, target: Path
) -> None:
    server.cut["set/b.dat"] = 3
    source = download(f"{server.url}set/")
    with pytest.raises(DataError, match="finished files are kept") as caught:
        source.fetch(target, seed=0)
    assert caught.value.where == f"{server.url}set/b.dat"
    assert {path.name for path in target.iterdir()} == {"a.hea", "a.dat", "b.hea"}
    server.asked.clear()
    fetched = fetch(source, target)
    assert fetched.files["b.dat"] == sha256(TREE["set/b.dat"])
    assert server.asked == {"set/b.dat": 1, "set/c.hea": 1, "set/c.dat": 1}


def test_a_file_missing_at_the_home_is_an_error(server: Server, target: Path) -> None:
    del server.tree["set/b.dat"]
    with pytest.raises(DataError, match="no such file") as caught:
        download(f"{server.url}set/").fetch(target, seed=0)
    assert caught.value.where == f"{server.url}set/b.dat"
    assert server.asked["set/b.dat"] == 1


def test_a_server_that_refuses_is_reported(server: Server, target: Path) -> None:
    server.status["set/a.hea"] = 503
    with pytest.raises(DataError, match="503") as caught:
        download(f"{server.url}set/").fetch(target, seed=0)
    assert caught.value.where == f"{server.url}set/a.hea"


def test_without_network_the_mirror_is_named(target: Path) -> None:
    with pytest.raises(DataError, match="BIOSPIKE_MIRROR"):
        download().fetch(target, seed=0)


def test_a_published_list_verifies_what_is_not_pinned(
    server: Server, target: Path, tmp_path: Path
) -> None:
    complete = {name.removeprefix("set/"): content for name, content in TREE.items()}
    published = "".join(f"{sha256(c)} {n}\n" for n, c in complete.items())
    server.tree["set/SUMS.txt"] = published.encode()
    few = listed(tmp_path / "few.sha256", {"a.hea": complete["a.hea"]})
    source = download(f"{server.url}set/", checksums=few, published="SUMS.txt")
    assert "SUMS.txt" in fetch(source, target).files
    (target / "b.dat").unlink()
    server.tree["set/b.dat"] = b"changed"
    with pytest.raises(DataError, match=sha256(b"changed")):
        source.fetch(target, seed=0)


def test_a_published_list_is_left_alone_if_all_is_pinned(
    server: Server, target: Path, tmp_path: Path
) -> None:
    source = download(
        f"{server.url}set/", checksums=pinned(tmp_path), published="SUMS.txt"
    )
    assert "SUMS.txt" not in fetch(source, target).files
    assert server.asked["set/SUMS.txt"] == 0


def test_a_pinned_checksum_outweighs_the_published_one(
    server: Server, target: Path, tmp_path: Path
) -> None:
    server.tree["set/b.dat"] = b"changed"
    server.tree["set/SUMS.txt"] = f"{sha256(b'changed')} b.dat\n".encode()
    one = listed(tmp_path / "one.sha256", {"b.dat": TREE["set/b.dat"]})
    source = download(f"{server.url}set/", checksums=one, published="SUMS.txt")
    with pytest.raises(DataError, match=sha256(b"changed")):
        source.fetch(target, seed=0)


def test_a_page_in_place_of_the_list_is_refused(server: Server, target: Path) -> None:
    server.tree["set/SUMS.txt"] = b"<html>please log in</html>"
    with pytest.raises(DataError, match="a web page came in place"):
        download(f"{server.url}set/", published="SUMS.txt").fetch(target, seed=0)
    server.tree["set/SUMS.txt"] = b"please log in"
    with pytest.raises(DataError, match="no list of checksums"):
        download(f"{server.url}set/", published="SUMS.txt").fetch(target, seed=0)
    assert not (target / "SUMS.txt").exists()


def test_a_missing_pinned_list_is_reported(target: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"source\.checksums"):
        download(checksums=tmp_path / "none.sha256").fetch(target, seed=0)


def test_a_mirror_folder_may_lack_files(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / "mirror", without("b.hea", "c.dat"))
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(folder))
    fetched = fetch(download(checksums=pinned(tmp_path)), target)
    assert set(fetched.files) == {"a.hea", "a.dat", "b.dat", "c.hea"}
    assert fetched.absent == dict.fromkeys(("b.hea", "c.dat"), "the mirror lacks it")


def test_a_mirror_on_the_web_may_lack_files(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.tree = without("b.hea", "b.dat")
    monkeypatch.setenv("BIOSPIKE_MIRROR", server.url)
    fetched = fetch(download(), target)
    assert set(fetched.files) == {"a.hea", "a.dat", "c.hea", "c.dat"}
    assert set(fetched.absent) == {"b.dat", "b.hea"}


@pytest.mark.parametrize("tree", [{}, {"set/other": b""}])
def test_a_mirror_without_any_file_is_an_error(
    target: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tree: dict[str, bytes],
) -> None:
    folder = lay_out(tmp_path / "mirror", tree)
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(folder))
    with pytest.raises(DataError, match="unset it to download") as caught:
        download().fetch(target, seed=0)
    assert caught.value.where == str(folder / "set")


def test_a_wrong_file_of_a_mirror_folder_stays_out(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / "mirror", {**TREE, "set/b.dat": b"changed"})
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(folder))
    monkeypatch.setenv("BIOSPIKE_MIRROR_PARTIAL", "1")  # applies to archives only
    with pytest.raises(DataError, match=sha256(b"changed")) as caught:
        download(checksums=pinned(tmp_path)).fetch(target, seed=0)
    assert caught.value.where == str(folder / "set" / "b.dat")
    assert {path.name for path in target.iterdir()} == {"a.hea", "a.dat", "b.hea"}


def test_a_changed_mirror_folder_is_followed(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / "mirror", TREE)
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(folder))
    fetch(download(), target)
    before = (target / "a.hea").stat().st_mtime_ns
    (folder / "set" / "b.dat").write_bytes(b"corrected")
    assert fetch(download(), target).files["b.dat"] == sha256(b"corrected")
    assert (target / "a.hea").stat().st_mtime_ns == before


def test_a_relative_mirror_counts_from_the_projects_root(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path / "shared", TREE)
    (tmp_path / "project").mkdir()
    (tmp_path / "some" / "where").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "some" / "where")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    monkeypatch.setenv("BIOSPIKE_MIRROR", "../shared")
    assert len(fetch(download(), target).files) == len(TREE)


def test_files_no_longer_wanted_are_removed(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(lay_out(tmp_path / "mirror", TREE)))
    lay_out(target, {"old/z.dat": b"", ".partial-1-a.hea": b"", "tmpabc": b""})
    (target / "links").mkdir()
    (target / "links" / "gone.dat").symlink_to(tmp_path / "unmounted" / "gone.dat")
    (target / "links" / "all").symlink_to(tmp_path / "mirror" / "set")
    fetch(download(), target)
    (target / "manifest.json").write_text("{}", encoding="utf-8")
    download(only="a.*").fetch(target, seed=0)
    assert {p.name for p in target.rglob("*")} == {"a.hea", "a.dat", "manifest.json"}
    assert len(list((tmp_path / "mirror" / "set").iterdir())) == len(TREE)


def test_an_archive_has_its_own_name_at_the_home(
    server: Server, target: Path, tmp_path: Path
) -> None:
    content = zipped(tmp_path / ZIP, "a", "b", "c")
    server.tree = {"static/at+home.zip": content}
    fetched = fetch(archive_source(f"{server.url}static"), target)
    assert fetched == Fetched({ZIP: sha256(content)}, {})
    assert server.asked == {"static/at+home.zip": 1}


def test_a_cut_down_archive_at_the_home_is_an_error(
    server: Server, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_MIRROR_PARTIAL", "1")  # applies to mirrors only
    complete = zipped(tmp_path / "complete.zip", "a", "b", "c")
    list_ = listed(tmp_path / "zip.sha256", {ZIP: complete})
    server.tree = {"at+home.zip": zipped(tmp_path / ZIP, "a", "b")}
    with pytest.raises(DataError, match="SHA-256"):
        archive_source(server.url, checksums=list_).fetch(target, seed=0)
    assert not (target / ZIP).exists()


def test_a_cut_down_archive_of_a_mirror_needs_to_be_admitted(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = zipped(tmp_path / "complete.zip", "a", "b", "c")
    list_ = listed(tmp_path / "zip.sha256", {ZIP: complete})
    cut_down = zipped(tmp_path / "mirror" / "set" / ZIP, "a", "b")
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(tmp_path / "mirror"))
    source = archive_source(checksums=list_)
    with pytest.raises(DataError, match="BIOSPIKE_MIRROR_PARTIAL=1"):
        source.fetch(target, seed=0)
    assert not (target / ZIP).exists()
    monkeypatch.setenv("BIOSPIKE_MIRROR_PARTIAL", "1")
    fetched = fetch(source, target)
    assert fetched.files == {ZIP: sha256(cut_down)}
    assert fetched.absent == {ZIP: "the mirror's archive is cut down"}


def test_a_cut_down_archive_is_replaced_once_it_is_no_longer_admitted(
    server: Server, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = zipped(tmp_path / "complete.zip", "a", "b", "c")
    zipped(tmp_path / "mirror" / "set" / ZIP, "a", "b")
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("BIOSPIKE_MIRROR_PARTIAL", "1")
    list_ = listed(tmp_path / "zip.sha256", {ZIP: complete})
    source = archive_source(server.url, checksums=list_)
    assert list(fetch(source, target).absent) == [ZIP]
    monkeypatch.delenv("BIOSPIKE_MIRROR")
    server.tree = {"at+home.zip": complete}
    assert fetch(source, target) == Fetched({ZIP: sha256(complete)})


@pytest.mark.parametrize("damage", ["cut", "flipped", "page"])
def test_a_damaged_archive_stays_out(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "mirror" / "set" / ZIP
    content = zipped(path, "a", "b", "c")
    place = content.index(b"a 1 2 3")
    path.write_bytes(
        {
            "cut": content[:-30],
            "flipped": content[:place] + b"X" + content[place + 1 :],
            "page": b"<html>moved</html>",
        }[damage]
    )
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("BIOSPIKE_MIRROR_PARTIAL", "1")
    with pytest.raises(DataError, match=r"a complete zip|a web page") as caught:
        archive_source().fetch(target, seed=0)
    assert caught.value.where == str(path)
    assert not (target / ZIP).exists()


def test_a_mirror_without_the_archive_is_an_error(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mirror" / "set").mkdir(parents=True)
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(DataError, match="none of the 1 files") as caught:
        archive_source().fetch(target, seed=0)
    assert ZIP in caught.value.expected


def sums(*names: str) -> str:
    return "".join(f"{sha256(TREE[f'set/{name}'])}  {name}\n" for name in names)


def test_the_names_of_records_are_read_where_the_set_has_them(
    server: Server, target: Path
) -> None:
    source = home_with(server, RECORDS="a\nc\n\n").model_copy(
        update={"records": "RECORDS", "suffixes": (".hea", ".dat")}
    )
    fetched = fetch(source, target)
    assert set(fetched.files) == {"RECORDS", "a.hea", "a.dat", "c.hea", "c.dat"}


def test_a_home_without_a_file_of_a_record_is_an_error(
    server: Server, target: Path
) -> None:
    source = home_with(server, RECORDS="a\nz\n").model_copy(
        update={"records": "RECORDS", "suffixes": (".hea",)}
    )
    with pytest.raises(DataError, match="no such file") as caught:
        source.fetch(target, seed=0)
    assert caught.value.where == f"{server.url}set/z.hea"


@pytest.mark.parametrize("page", ["<html>log in</html>", "\n", "{}"])
def test_a_page_in_place_of_the_records_is_refused(
    server: Server, target: Path, page: str
) -> None:
    source = home_with(server, RECORDS=page)
    with pytest.raises(DataError, match=r"no list of records|a web page"):
        source.model_copy(update={"records": "RECORDS"}).fetch(target, seed=0)


def test_without_names_the_lists_of_checksums_name_the_files(
    server: Server, target: Path, tmp_path: Path
) -> None:
    few = listed(tmp_path / "few.sha256", {"a.hea": TREE["set/a.hea"]})
    source = home_with(server, SUMS=sums("a.dat", "b.hea", "b.dat"))
    pins = source.model_copy(update={"checksums": few})
    assert set(fetch(pins, target).files) == {"a.hea"}
    both = pins.model_copy(update={"published": "SUMS"})
    names = {"a.hea", "a.dat", "b.hea", "b.dat", "SUMS"}
    assert set(fetch(both, target).files) == names


def test_only_and_except_choose_among_the_listed(server: Server, target: Path) -> None:
    source = home_with(server, SUMS=sums(*NAMES)).model_copy(
        update={"published": "SUMS", "only": ("[ab].*", "z.*"), "excluded": ("*.dat",)}
    )
    fetched = fetch(source, target)
    assert set(fetched.files) == {"SUMS", "a.hea", "b.hea"}
    assert fetched.left_out == {
        "a.dat": "is in `except`",
        "b.dat": "is in `except`",
        "c.dat": "is not in `only`",
        "c.hea": "is not in `only`",
    }
    assert fetched.absent == {"z.*": "is in `only`, and fits no file"}
    assert not any(name in server.asked for name in ("set/a.dat", "set/c.hea"))


def test_a_link_out_of_a_mirror_is_not_followed(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = lay_out(tmp_path / "mirror", TREE)
    (tmp_path / "private.hea").write_text("private")
    (mirror / "set" / "d.hea").symlink_to(tmp_path / "private.hea")
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(mirror))
    fetched = fetch(download(files=()), target)
    assert fetched.left_out == {"d.hea": "a link out of the mirror"}
    with pytest.raises(DataError, match="a link out of the mirror, to") as caught:
        download(files=("d.hea",)).fetch(target, seed=0)
    assert str(tmp_path / "private.hea") in caught.value.found


def test_links_within_a_mirror_and_to_its_folders_are_followed(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path / "disk", {"elsewhere/objects/1": b"a", "elsewhere/b.hea": b"b"})
    (tmp_path / "disk/elsewhere/a.hea").symlink_to("objects/1")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/set").symlink_to(tmp_path / "disk/elsewhere")
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(tmp_path / "mirror"))
    assert set(fetch(download(files=("a.hea", "b.hea")), target).files) == {
        *("a.hea", "b.hea")
    }


def test_without_a_list_a_mirror_folder_is_one(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {**TREE, "set/.DS_Store": b"", "set/in/d.hea": b"d", "other/e.hea": b"e"}
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(lay_out(tmp_path / "mirror", tree)))
    fetched = fetch(download(files=()), target)
    assert set(fetched.files) == {*NAMES, "in/d.hea"}
    assert fetched.left_out == {".DS_Store": "a file of the operating system"}


def test_a_mirror_folder_is_the_list_if_it_lacks_those_of_the_home(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(lay_out(tmp_path / "mirror", TREE)))
    few = listed(
        tmp_path / "few.sha256", {"a.hea": TREE["set/a.hea"], "z.hea": b"elsewhere"}
    )
    source = download(files=(), records="RECORDS", checksums=few, published="SUMS")
    fetched = fetch(source, target)
    assert set(fetched.files) == set(NAMES)
    assert fetched.absent == {"z.hea": "the mirror lacks it"}


def test_a_home_without_a_list_is_an_error(server: Server, target: Path) -> None:
    with pytest.raises(DataError, match="nothing lists"):
        home_with(server).fetch(target, seed=0)


@pytest.mark.parametrize(
    "name",
    ["../outside.hea", "/outside.hea", "a/../../b", "..\\out.hea", "C:\\out.hea"],
)
def test_a_list_that_leaves_the_folder_is_refused(
    server: Server, target: Path, name: str
) -> None:
    source = home_with(server, SUMS=f"{sha256(b'')}  {name}\n")
    with pytest.raises(DataError, match="below the data set's folder"):
        source.model_copy(update={"published": "SUMS"}).fetch(target, seed=0)
    assert not target.exists() or not list(target.iterdir())


def test_names_that_a_url_writes_otherwise_are_found(
    server: Server, target: Path
) -> None:
    server.tree = {"set/a #1 50%.hea": b"a", "set/\xfc.hea": b"u"}
    names = ["./a #1 50%.hea", "\xfc.hea"]
    server.tree["set/SUMS"] = "".join(
        f"{sha256(content)}  {name}\n"
        for name, content in zip(names, (b"a", b"u"), strict=True)
    ).encode()
    source = download(f"{server.url}set/", files=(), published="SUMS")
    assert set(fetch(source, target).files) == {"SUMS", "a #1 50%.hea", "\xfc.hea"}


def test_a_file_with_the_name_of_the_manifest_is_left_out(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {**TREE, "set/manifest.json": b"{}"}
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(lay_out(tmp_path / "mirror", tree)))
    fetched = fetch(download(files=()), target)
    assert list(fetched.left_out) == ["manifest.json"]
    assert set(fetched.files) == set(NAMES)


def test_a_link_where_a_file_belongs_is_replaced(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / "mirror", TREE)
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(folder))
    target.mkdir()
    (target / "a.hea").symlink_to(folder / "set" / "a.hea")
    fetch(download(), target)
    assert not (target / "a.hea").is_symlink()
    assert (folder / "set" / "a.hea").read_bytes() == TREE["set/a.hea"]


def test_a_suffix_that_leaves_the_folder_is_refused(
    server: Server, target: Path
) -> None:
    source = home_with(server, RECORDS="a\n").model_copy(
        update={"records": "RECORDS", "suffixes": ("/../../outside.hea",)}
    )
    server.tree["outside.hea"] = server.tree["set/../outside.hea"] = b"out"
    with pytest.raises(DataError, match="below the data set's folder"):
        source.fetch(target, seed=0)
    assert not (target.parent / "outside.hea").exists()


@pytest.mark.parametrize("name", ["../SUMS", "{tmp}/SUMS"])
def test_no_list_is_written_elsewhere(
    server: Server, target: Path, tmp_path: Path, name: str
) -> None:
    name = name.format(tmp=tmp_path)
    server.tree[f"set/{name}"] = sums("a.dat").encode()
    server.tree["SUMS"] = sums("a.dat").encode()
    source = home_with(server).model_copy(update={"published": name})
    with pytest.raises(DataError, match="below the data set's folder"):
        source.fetch(target, seed=0)
    assert not (tmp_path / "SUMS").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"mirror": "../other"},
        {"mirror": "/etc"},
        {"published": "../SUMS"},
        {"records": "/etc/passwd"},
        {"files": ("{subject}.hea",)},
        {"files": ("../a.hea",)},
        {"home": "ftp://somewhere/"},
        {"home": None},
        {"pattern": ()},
        {"pattern": "{subject.hea"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Download"):
        download(**changes)


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("subjects", ["a"], "pattern"),
        ("archive", {"file": ZIP}, "files"),
        ("shared", ["info.csv"], "published"),
    ],
)
def test_old_settings_name_the_new_way(old: str, value: object, new: str) -> None:
    with pytest.raises(ValidationError) as caught:
        download(**{old: value})
    (problem,) = caught.value.errors()
    assert problem["loc"] == (old,)
    assert new in problem["msg"]


def test_the_real_records_of_ds1_verify(
    real_data: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(real_data))
    source = download(mirror="mitdb", files=(), checksums=CHECKSUMS / "mitdb.sha256")
    fetched = fetch(source, target)
    assert (fetched.absent, fetched.left_out) == ({}, {})
    assert len(fetched.files) == 66
