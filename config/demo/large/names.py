"""What things are called."""

PARTITIONS = {
    "ams-eq05": "Amsterdam, Equinix AM5",
    "dub-kc02": "Dublin, Kilcarbery 02",
    "par-th03": "Paris, Telehouse 03",
    "vie-ix01": "Vienna, Interxion 01",
}
TENANTS = [
    "aurora",
    "bluefin",
    "cedar",
    "deltawerk",
    "ember",
    "fjord",
    "granit",
    "harbor",
    "iris",
    "juniper",
    "kestrel",
    "lumen",
    "marlin",
    "nordlicht",
    "onyx",
    "pelikan",
    "quartz",
    "rowan",
    "sirius",
    "talos",
]
TEAMS = [
    "billing",
    "checkout",
    "search",
    "identity",
    "logistics",
    "media",
    "payments",
    "catalog",
    "analytics",
    "ml",
    "crm",
    "web",
    "mobile",
    "iot",
    "fraud",
    "reports",
    "edge",
    "backoffice",
    "partner-api",
    "platform",
]
STAGES = ["prod", "staging", "dev", "k8s", "batch"]
SERVICES = {
    "storage": "block storage",
    "backup": "backup",
    "objects": "object store",
    "registry": "image registry",
    "metrics": "metrics",
    "vault": "secrets",
    "kafka": "message bus",
    "postgres": "databases",
    "nfs": "file shares",
    "mirror": "package mirror",
}
ROLES = ["web", "app", "db", "worker", "cache", "node", "queue", "gpu"]
PLATFORM = "platform"  # the tenant of the shared services
REASONS = [
    "every tenant mounts it; two firewalls in the way cost half the throughput",
    "asked for by the partition's storage team, change 4711",
    "grown out of one team's cluster, now used by all of them",
    "approved in the network board of the quarter",
]
SIZES = ["n1-medium-x86", "c1-large-x86", "c1-xlarge-x86", "s2-xlarge-x86"]
IMAGES = ["ubuntu-24.04.20260101", "debian-12.20251215", "almalinux-9.20251201"]


def projects(number: int) -> list[tuple[str, str]]:
    """Ids of projects with their tenants: the first ones run the shared services."""
    platform = [(f"{PLATFORM}-{service}", PLATFORM) for service in SERVICES]
    customers = [(f"{tenant}-{team}", tenant) for team in TEAMS for tenant in TENANTS]
    return [*platform, *customers][:number]
