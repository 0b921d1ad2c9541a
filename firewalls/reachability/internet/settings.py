"""What to write where, so that programs of a machine use its HTTP proxy."""

from collections.abc import Iterable
from dataclasses import dataclass

from networks.common.addressing import Cidr

ITSELF = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Setting:
    """Lines for one file, to copy; and what has them take effect."""

    purpose: str
    file: str
    text: str
    then: str


def proxy_settings(url: str, direct: Iterable[Cidr]) -> tuple[Setting, ...]:
    """For programs that read the environment, for apt, and for containerd.

    What is near is asked directly: curl from 7.86 on and programs in Go know prefixes there.
    """
    near = ",".join([*ITSELF, *map(str, direct)])
    return (_environment(url, near), _apt(url), _containerd(url, near))


def _environment(url: str, near: str) -> Setting:
    return Setting(
        "http_proxy",
        "/etc/environment",
        f"http_proxy={url}\nhttps_proxy={url}\nno_proxy={near}\n",
        "Log in again.",
    )


def _apt(url: str) -> Setting:
    return Setting(
        "apt",
        "/etc/apt/apt.conf.d/90proxy",
        f'Acquire::http::Proxy "{url}";\nAcquire::https::Proxy "{url}";\n',
        "The next call of apt reads it.",
    )


def _containerd(url: str, near: str) -> Setting:
    lines = {"HTTP_PROXY": url, "HTTPS_PROXY": url, "NO_PROXY": near}
    texts = [f'Environment="{name}={value}"\n' for name, value in lines.items()]
    return Setting(
        "containerd",
        "/etc/systemd/system/containerd.service.d/http-proxy.conf",
        "".join(["[Service]\n", *texts]),
        "systemctl daemon-reload && systemctl restart containerd",
    )
