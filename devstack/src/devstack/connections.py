"""The stack's connections as environment variables, and servers that the user runs already."""

from collections.abc import Mapping

from devstack.layout import RunFolder
from devstack.parts import postgres, pulsar, redis, temporal
from devstack.ports import LOOPBACK
from devstack.processes import BRIDGE_SIMULATOR

DAY_SECONDS = 86_400
MARKER = "DICT_STACK"  # says that the variables beside it come from a stack of ours
TASK_QUEUE = "dict-task-queue"

# Setting all variables of a row makes us use that server; we neither start nor stop it.
EXTERNAL: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("DICT_POSTGRES_URL",): ("postgres",),
    ("DICT_PULSAR_URL", "DICT_PULSAR_ADMIN_URL"): ("zookeeper", "pulsar"),
    ("DICT_TEMPORAL_ADDRESS",): ("temporal",),
    ("DICT_REDIS_URL",): ("redis",),
}


def external_servers(environ: Mapping[str, str], remembered: Mapping[str, str]) -> dict[str, str]:
    """The user's own servers, as variables.

    In a shell that read our own env file the variables are ours and say nothing: then what was
    `remembered` from the last `up` counts.
    """
    if MARKER in environ:
        return dict(remembered)
    found: dict[str, str] = {}
    for variables in EXTERNAL:
        values = {name: environ[name] for name in variables if environ.get(name)}
        if len(values) == len(variables):
            found.update(values)
    if found and environ.get("PGPASSFILE") and "DICT_POSTGRES_URL" in found:
        found["PGPASSFILE"] = environ["PGPASSFILE"]
    return found


def replaced_parts(external: Mapping[str, str]) -> frozenset[str]:
    """Names of the parts that we do not start."""
    return frozenset(
        part
        for variables, parts in EXTERNAL.items()
        if all(name in external for name in variables)
        for part in parts
    )


def connections(
    run: RunFolder, ports: Mapping[str, int], external: Mapping[str, str], day_seconds: int
) -> dict[str, str]:
    """All variables that our programs read, for this stack.

    The PostgreSQL address names no user: each program logs in under its own role and finds the
    password in PGPASSFILE.
    """
    ours = {
        MARKER: str(run.root),
        "DICT_ENVIRONMENT": "development",
        "DICT_POSTGRES_URL": f"postgresql://{LOOPBACK}:{ports[postgres.NAME]}/{postgres.DATABASE}",
        "PGPASSFILE": str(run.pgpass),
        "DICT_PULSAR_URL": f"pulsar://{LOOPBACK}:{ports[pulsar.NAME]}",
        "DICT_PULSAR_ADMIN_URL": f"http://{LOOPBACK}:{ports[pulsar.ADMIN]}",
        "DICT_PULSAR_TENANT": "dict",
        "DICT_TEMPORAL_ADDRESS": f"{LOOPBACK}:{ports[temporal.NAME]}",
        "DICT_TEMPORAL_NAMESPACE": temporal.NAMESPACE,
        "DICT_TEMPORAL_TASK_QUEUE": TASK_QUEUE,
        "DICT_TEMPORAL_UI_URL": f"http://{LOOPBACK}:{ports[temporal.UI]}",
        "DICT_REDIS_URL": f"redis://{LOOPBACK}:{ports[redis.NAME]}/0",
        "DICT_REDIS_PREFIX": "",
        "DICT_BRIDGE_ADDRESS": f"{LOOPBACK}:{ports[BRIDGE_SIMULATOR]}",
        "DICT_KEYS_DIR": str(run.keys),
        "DICT_CLAIM_DAY_SECONDS": str(day_seconds),
        "DICT_LOG_LEVEL": "INFO",
        "DICT_TOPIC_PARTITIONS": "4",
        "CLAIM_ORCHESTRATOR_PARTICIPANTS": "12345678",
        "VSYNC_PARTICIPANTS": "12345678",
        "VSYNC_BETWEEN_TRIES_SECONDS": "1",
        "VSYNC_SETTLE_SECONDS": "2",
        "VSYNC_FILE_POLL_SECONDS": "1",
        "BRIDGE_SIMULATOR_BUCKET_SPEED": "60",
    }
    if "DICT_TEMPORAL_ADDRESS" in external:
        del ours["DICT_TEMPORAL_UI_URL"]  # where that server's UI is we do not know
    return {**ours, **external}
