"""The last result for whoever asks often: `workflow:vsync:latest`. Speed, nothing else."""

from dataclasses import asdict

from dict_common.kernel.clock import to_rfc3339
from dict_common.ports.cache import Cache, CachedResponse, CacheKey, set_response
from vsync.application.sync_process import RunEnd, VSyncResult

LATEST = CacheKey.of("workflow", "vsync", "latest")
LATEST_SECONDS = 86_400.0


class RememberLatest:
    """After a participant's whole run."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def __call__(self, end: RunEnd, result: VSyncResult) -> None:
        """Never raises for trouble of the cache."""
        if end.run.key_type is not None:
            return
        content = asdict(result) | {
            "participant": end.run.participant,
            "report_id": str(result.report_id),
            "sync_timestamp": to_rfc3339(result.sync_timestamp),
        }
        await set_response(self._cache, LATEST, CachedResponse(False, content), LATEST_SECONDS)
