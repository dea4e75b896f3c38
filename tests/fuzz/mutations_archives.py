"""Hostile archives, and changes of their members."""

import gzip
import io
import tarfile
import warnings
import zipfile
from dataclasses import replace

from tests.fuzz.items import Item
from tests.fuzz.mutations import RNG, Changed, pick, put
from tests.fuzz.mutations_formats import rows
from tests.fuzz.trying import STRAY


def hostile(item: Item, rng: RNG) -> Changed:
    """Add a member that an archive should not have."""
    path = pick(item, rng, (".zip", ".tar", ".tar.gz"))
    if path is None:
        return None
    members = _members(path, item.files[path])
    inside = item.mains[item.target].partition("/")[2]
    own = dict(members)[inside]
    names = {
        "leaves": f"../../../{STRAY}.csv",
        "leaves far": f"../../../../../../../../{STRAY}.csv",
        "absolute": f"/{STRAY}.txt",
        "windows": f"..\\..\\{STRAY}.csv",
        "drive": f"C:\\{STRAY}.csv",
        "the same": inside,
        "the same in a way": f"./{inside}",
        "the same through a folder": f"x/../{inside}",
        "a copy": "C.csv",
        "hidden": "__MACOSX/._A.csv",
        "bomb": "bomb.csv",
        "odd": "a\x01\u202e.csv",
        "long": "x" * 300 + ".csv",
        "deep": "d/" * 120 + "x.csv",
    }
    kind = str(rng.choice([*names, "link", "hard link", "device"]))
    more = bytes(int(rng.integers(1, 40)) << 20) if kind == "bomb" else own
    if kind == "the same" and rng.random() < 0.5:
        more = own.replace(b"1", b"2")
    added = [(names.get(kind, "link.csv"), more)]
    content = _packed(path, [*members, *added], kind, inside)
    done = put(item, path, content, f"with a member: {kind}")
    if done and kind == "a copy":
        mains = {**item.mains, "C": f"{path}/C.csv"}
        return replace(done[0], mains=mains), done[1]
    return done


def inner(item: Item, rng: RNG) -> Changed:
    """Change a member of an archive, and pack it again."""
    path = pick(item, rng, (".zip", ".tar", ".tar.gz"))
    if path is None:
        return None
    members = dict(_members(path, item.files[path]))
    name = item.mains[item.target].partition("/")[2]
    done = rows(replace(item, files={name: members[name]}, mains={"A": name}), rng)
    if done is None:
        return None
    members[name] = done[0].files[name]
    content = _packed(path, list(members.items()), "", "")
    return put(item, path, content, f"its member {done[1]}")


def _members(path: str, content: bytes) -> list[tuple[str, bytes]]:
    if path.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [(name, archive.read(name)) for name in archive.namelist()]
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]


def _packed(path: str, members: list[tuple[str, bytes]], kind: str, to: str) -> bytes:
    out = io.BytesIO()
    if path.endswith(".zip"):
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for k, (name, content) in enumerate(members):
                info = zipfile.ZipInfo(name)
                if kind == "link" and k == len(members) - 1:
                    info.create_system, info.external_attr = 3, 0o120777 << 16
                    content = b"/etc/passwd"
                _write_member(archive, info, content)
        return out.getvalue()
    types = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE}
    types["device"] = tarfile.CHRTYPE
    with tarfile.open(fileobj=out, mode="w") as tar:
        for k, (name, content) in enumerate(members):
            info = tarfile.TarInfo(name)
            if kind in types and k == len(members) - 1:
                info.type, info.linkname = types[kind], "/etc/passwd"
                info.linkname = to if kind == "hard link" else info.linkname
                tar.addfile(info)
                continue
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    packed = out.getvalue()
    return gzip.compress(packed, mtime=0) if path.endswith("gz") else packed


def _write_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, content: bytes
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        archive.writestr(info, content, zipfile.ZIP_DEFLATED)
