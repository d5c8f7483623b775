"""How several test processes share the tests: by file, and one has all that start servers.

Groups of pytest-xdist are of no use here: it writes them into the ids of tests, where pytest 9
does not read them any more, so each test would be a group of its own, and what is made once for a
file would be made in every process.
"""

from functools import cache

from xdist.scheduler import LoadScopeScheduling

SERVERS = "servers"


class ByFile(LoadScopeScheduling):
    """Hand out a file at a time, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return self._together(nodeid.partition("::")[0])

    @cache  # noqa: B019  (there is one scheduler a run)
    def _together(self, path: str) -> str:
        starts_servers = "pytest.mark.kill" in (self.config.rootpath / path).read_text()
        return SERVERS if starts_servers else path
