"""Writes test/goldens/image-datasets/: small image files, archives and a table as other tools write them.

images/: one picture of 7 x 5 pixels in every format, as Pillow encodes it: in inks, with 16 bits a channel, with its
negative as a second frame, too.
ustar.tar, gnu.tar, pax.tar: WebDataset samples with long and non-ASCII names, by Python's tarfile.
stored.zip, deflated.zip, streamed.zip (sizes after the data), zip64.zip: the same files, by Python's zipfile.
scenes.parquet: three pictures of emoji-scenes with their truth, two row groups.
bytes.parquet, paths.parquet: pictures as plain bytes, and as Hugging Face's structs that hold paths alone.
manifest.json: path, length and SHA-256 of the archives' files.

    python tools/goldens/image_datasets.py        # needs pillow with AVIF, datasets, pyarrow and tools/world's
"""

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.world.dataset import FEATURES, row  # noqa: E402
from tools.world.splits import split_scenes  # noqa: E402

OUT = ROOT / "test" / "goldens" / "image-datasets"
FORMATS = {
    "plain.png": {},
    "plain.jpg": {},
    "progressive.jpg": {"progressive": True, "comment": b"\xff\xc0 in a comment"},
    "plain.gif": {},
    "plain.bmp": {},
    "lossy.webp": {"quality": 50},
    "lossless.webp": {"lossless": True},
    "extended.webp": {"exif": b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"},
    "plain.avif": {},
    "inks.jpg": {},
    "deep.png": {},
    "moving.gif": {"save_all": True, "duration": 100},
}
LONG = "a-rather-long-folder-name/" * 5  # past the 100 bytes of a tar header


def picture() -> Image.Image:
    return Image.linear_gradient("L").resize((7, 5)).convert("RGB")


def encoded(name: str) -> bytes:
    buffer = io.BytesIO()
    image, options = picture(), FORMATS[name]
    if name == "inks.jpg":
        image = image.convert("CMYK")
    elif name == "deep.png":
        image = image.convert("I").point(lambda value: value * 257).convert("I;16")
    elif name == "moving.gif":
        options = {**options, "append_images": [ImageOps.invert(image)]}
    image.save(buffer, format={"jpg": "JPEG"}.get(name.split(".")[1], name.split(".")[1].upper()), **options)
    return buffer.getvalue()


def write_tar(name: str, files: dict[str, bytes], format: int) -> None:
    with tarfile.open(OUT / name, "w", format=format) as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def write_zip(name: str, files: dict[str, bytes], method: int, streamed: bool = False) -> None:
    buffer = io.BytesIO()
    if streamed:
        buffer.seekable = lambda: False
        buffer.tell = lambda: (_ for _ in ()).throw(OSError())
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=zipfile.ZIP64_LIMIT == 1) as member:
                member.write(content)
        if not streamed:
            archive.comment = b"a comment PK\x05\x06 that looks like an end" * 3
    (OUT / name).write_bytes(buffer.getvalue())


def write_images(name: str, images: pa.Array) -> None:
    pq.write_table(pa.table({"image": images, "text": ["one", "two"]}), OUT / name)


def main() -> None:
    (OUT / "images").mkdir(parents=True, exist_ok=True)
    for name in FORMATS:
        (OUT / "images" / name).write_bytes(encoded(name))
    png, jpeg = encoded("plain.png"), encoded("plain.jpg")
    ascii_files = {
        "a.png": png,
        "a.txt": b"a grey picture\n",
        "b.jpg": jpeg,
        "b.json": json.dumps({"caption": ["one", "two"]}).encode(),
        "empty.txt": b"",
    }
    files = {**ascii_files, f"{LONG}c.png": png, "Bär.png": png}
    write_tar("ustar.tar", {**ascii_files, f"{LONG}c.png": png}, tarfile.USTAR_FORMAT)
    write_tar("gnu.tar", files, tarfile.GNU_FORMAT)
    write_tar("pax.tar", files, tarfile.PAX_FORMAT)
    write_zip("stored.zip", files, zipfile.ZIP_STORED)
    write_zip("deflated.zip", files, zipfile.ZIP_DEFLATED)
    write_zip("streamed.zip", files, zipfile.ZIP_DEFLATED, streamed=True)
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 1, 1
    write_zip("zip64.zip", files, zipfile.ZIP_DEFLATED)
    manifest = [
        {"path": path, "byteLength": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in files.items()
    ]
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    write_images("bytes.parquet", pa.array([png, jpeg], pa.binary()))
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    paths = ["images/plain.png", "images/plain.jpg"]
    write_images("paths.parquet", pa.array([{"bytes": None, "path": path} for path in paths], struct))
    rows = [row("dev", i, scene) for i, scene in enumerate(split_scenes("dev")[:3])]
    pq.write_table(Dataset.from_list(rows, features=FEATURES).data.table, OUT / "scenes.parquet", row_group_size=2)
    (OUT / "scenes.json").write_text(
        json.dumps([{**r, "image": {"path": r["image"]["path"], "sha256": hashlib.sha256(r["image"]["bytes"]).hexdigest()}} for r in rows], indent=1)
        + "\n"
    )


if __name__ == "__main__":
    main()
