"""The guest image: a small Debian with the kernel, FRR, nftables and systemd.

It is built once and kept outside the repository. recipe.py says what it consists of.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from tests.lab import recipe

DISK_BYTES = 1 << 30
TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
}
SEARCH_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


@dataclass(frozen=True)
class Image:
    """A kernel, its initial file system, and the guest's root."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def root(self) -> Path:
        return self.folder / "root.img"


def missing() -> str:
    """What this machine lacks for the lab, as one sentence; empty if nothing."""
    lacking = [
        package for tool, package in TOOLS.items() if not shutil.which(tool, path=SEARCH_PATH)
    ]
    if lacking:
        return f"The lab needs more here: apt-get install {' '.join(lacking)}"
    if os.geteuid() != 0 and not _of_recipe().folder.exists():
        return "Building the guest image takes root, once: sudo make lab-image"
    return ""


def cache() -> Path:
    """Where images are kept: LAB_CACHE, or else the user's cache folder."""
    if folder := os.environ.get("LAB_CACHE"):
        return Path(folder)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "shared-networks" / "lab"


def image() -> Image:
    """The image of the recipe; built if there is none yet."""
    wanted = _of_recipe()
    with _locked():
        if not wanted.folder.exists():
            _build(wanted.folder)
    return wanted


def _of_recipe() -> Image:
    fingerprint = hashlib.sha256(b"".join(recipe.fingerprint_parts()))
    return Image(cache() / fingerprint.hexdigest()[:16])


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time builds."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _build(folder: Path) -> None:
    began = time.monotonic()
    _print("building the guest image (once, up to a minute) ...")
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache()) as temporary:
        root = Path(temporary) / "root"
        built = Image(Path(temporary) / "image")
        built.folder.mkdir()
        _install_debian(root)
        _install_units(root)
        _configure(root)
        _make_initrd(root, built.initrd)
        shutil.copy(next((root / "boot").glob("vmlinuz-*")), built.kernel)
        with built.root.open("wb") as disk:
            disk.truncate(DISK_BYTES)
        _run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", str(root), str(built.root))
        built.folder.rename(folder)
    _print(f"built in {time.monotonic() - began:.0f} seconds, kept in {folder}")


def _print(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def _run(*command: str) -> str:
    """What it printed. Raises RuntimeError where it failed."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": SEARCH_PATH},
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def _install_debian(root: Path) -> None:
    """Install the packages, with the links of a merged /usr, so that no file moves later.

    mmdebstrap unpacks the first packages itself. Did it know what dpkg is to leave out, it would
    start an interpreter for each to filter it; so dpkg's settings come after that.
    """
    settings = root.with_name("dpkg.cfg")
    settings.write_text(recipe.DPKG)
    _run(
        "mmdebstrap",
        "--quiet",
        "--variant=essential",
        "--mode=root",
        f"--include={','.join(recipe.PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        f'--extract-hook=cp {settings} "$1/etc/dpkg/dpkg.cfg.d/lab"',
        recipe.SUITE,
        str(root),
        *_package_sources(),
    )


def _package_sources() -> list[str]:
    """This machine's own where they are of the same Debian; else those that mmdebstrap knows."""
    apt = Path("/etc/apt")
    files = [
        apt / "sources.list",
        *sorted(apt.glob("sources.list.d/*.list")),
        *sorted(apt.glob("sources.list.d/*.sources")),
    ]
    names_suite = re.compile(rf"^[^#]*\s{recipe.SUITE}(\s|$)", re.MULTILINE)
    return [str(path) for path in files if path.exists() and names_suite.search(path.read_text())]


def _install_units(root: Path) -> None:
    """Programs for guest and firewalls, and units a firewall must not start.

    What it starts is enabled by the applier's `install`.
    """
    (root / "lab").mkdir()
    for program in recipe.PROGRAMS:
        copied = root / "lab" / program.name
        shutil.copy(program, copied)
        copied.chmod(0o755)
    units = root / "etc/systemd/system"
    for unit in recipe.MASKED:
        (units / unit).symlink_to("/dev/null")
    (units / "frr.service.d").mkdir()
    (units / "frr.service.d/lab.conf").write_text(recipe.FRR_UNIT)


def _configure(root: Path) -> None:
    etc = root / "etc"
    for key in (etc / "ssh").glob("ssh_host_*"):
        key.unlink()
    (etc / "ssh/sshd_config").write_text(recipe.SSHD)
    (etc / "frr/vtysh.conf").write_text("service integrated-vtysh-config\n")
    (etc / "frr/frr.conf").write_text("")
    # systemd-nspawn wants one.
    (etc / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")


def _make_initrd(root: Path, target: Path) -> None:
    """A tiny first file system: busybox, and the modules that find the root in their order."""
    initrd = root / "initrd"
    for name in ("bin", "dev", "proc", "sys", "root", "modules"):
        (initrd / name).mkdir(parents=True)
    shutil.copy(root / "bin/busybox", initrd / "bin/busybox")
    (initrd / "init").write_text(recipe.INITRD)
    (initrd / "init").chmod(0o755)
    modules = _module_files(root)
    for path in modules:
        shutil.copy(root / path.lstrip("/"), initrd / "modules")
    (initrd / "modules/order").write_text("".join(f"{Path(path).name}\n" for path in modules))
    archive = "cd /initrd && find . | busybox cpio -o -H newc | gzip -1 > /initrd.gz"
    _run("chroot", str(root), "sh", "-c", archive)
    shutil.move(root / "initrd.gz", target)
    shutil.rmtree(initrd)


def _module_files(root: Path) -> list[str]:
    """The files of the modules and of those that they need, in the order of loading."""
    version = next((root / "lib/modules").iterdir()).name
    paths: list[str] = []
    for module in recipe.MODULES:
        steps = _run("chroot", str(root), "modprobe", "-S", version, "--show-depends", module)
        paths += [line.split()[1] for line in steps.splitlines() if line.startswith("insmod")]
    return list(dict.fromkeys(paths))


if __name__ == "__main__":
    print(image().folder)
