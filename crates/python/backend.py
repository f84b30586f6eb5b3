"""Writes the wheel: the compiled module, the Python files, and the metadata (PEP 427, PEP 517). It needs cargo and Python, nothing else.

    python3 backend.py [--library FILE] FOLDER      writes the wheel of a module that is built, or builds it first
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
NAME = "ironroot"


def version():
    return re.search(r'^version = "(.*)"', (HERE / "pyproject.toml").read_text(), re.M)[1]


def built():
    """Builds the module for release, and says where it is."""
    subprocess.run([os.environ.get("CARGO", "cargo"), "build", "--release", "--quiet", "--locked", "--package", "ironroot-python"], cwd=HERE, check=True)
    target = os.environ.get("CARGO_TARGET_DIR") or HERE.parent.parent / "target"
    return pathlib.Path(target) / "release" / "libironroot_python.so"


def tag(library):
    """Python 3.9 and newer, and the C library that the module's symbols need (PEP 600)."""
    needed = max(int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", library))
    machine = os.environ.get("IRONROOT_WHEEL_MACHINE") or platform.machine()
    return f"cp39-abi3-manylinux_2_{max(needed, 17)}_{machine}"


def metadata():
    return (
        f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version()}\nSummary: Keys, certificates, tokens, secrets and TLS with any TPM 2.0\n"
        "License: Apache-2.0 OR MIT\nRequires-Python: >=3.9\n"
    )


def write(folder, library):
    module = pathlib.Path(library).read_bytes()
    label = tag(module)
    info = f"{NAME}-{version()}.dist-info"
    files = {f"{NAME}/{path.name}": path.read_bytes() for path in sorted((HERE / NAME).iterdir()) if path.suffix in {".py", ".pyi", ".typed"}}
    if f"{NAME}/py.typed" not in files:
        files[f"{NAME}/py.typed"] = b""
    files[f"{NAME}/_native.abi3.so"] = module
    for licence in ("LICENSE-APACHE", "LICENSE-MIT"):
        files[f"{info}/{licence}"] = (HERE.parent.parent / licence).read_bytes()
    files[f"{info}/METADATA"] = metadata().encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: ironroot\nRoot-Is-Purelib: false\nTag: {label}\n".encode()
    record = ""
    name = f"{NAME}-{version()}-{label}.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w", zipfile.ZIP_DEFLATED) as wheel:

        def put(path, content):
            # The same bytes give the same wheel.
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, content, zipfile.ZIP_DEFLATED)

        for path, content in files.items():
            put(path, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(content)}\n"
        put(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """What pip calls."""
    return write(wheel_directory, built())


def build_sdist(sdist_directory, config_settings=None):
    """What pip may ask for."""
    raise NotImplementedError("the source is the whole repository: build a wheel there (cargo xtask wheel)")


if __name__ == "__main__":
    words = sys.argv[1:]
    given = words[words.index("--library") + 1] if "--library" in words else None
    print(write(words[-1], given or built()))
