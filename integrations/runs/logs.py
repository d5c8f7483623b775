"""The log of a run: lines as they happen, each its own row, so that a killed worker leaves them."""

from datetime import timedelta
from uuid import UUID

from integrations.models import IntegrationConfiguration, IntegrationRun, RunLogEntry
from organizations.kernel import clock, exact_json
from organizations.kernel.instants import iso_instant

KEPT_FOR = timedelta(days=28)
LONGEST = 600_000


class Log:
    """Writes lines of one attempt."""

    def __init__(self, run_id: UUID, attempt: int) -> None:
        self._run_id, self._attempt = run_id, attempt

    def begin(self, configuration: IntegrationConfiguration) -> None:
        """Write which settings the attempt goes by; secrets are no part of them."""
        snapshot = {
            "attempt": self._attempt,
            "integrationConfigId": str(configuration.pk),
            "version": configuration.version,
            "destination": configuration.destination,
            "configData": configuration.config_data,
        }
        self.note(f"Started {exact_json.dumps(snapshot).decode()}")

    def note(self, text: str) -> None:
        """Write one line."""
        RunLogEntry.objects.create(
            run_id=self._run_id, at=clock.now(), text=text[:LONGEST].replace("\x00", "\ufffd")
        )


def text_of(run: IntegrationRun) -> str:
    """Return the whole log of a run."""
    rows = run.log.order_by("id").values_list("at", "text")
    return "\n".join(f"{iso_instant(at)} {text}" for at, text in rows)
