"""What works in the background, for the panel in the header of every page (C0).

Apps register where their work can be seen; the panel asks again while there is any.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from django.http import HttpRequest, JsonResponse


@dataclass(frozen=True, slots=True)
class RunningTask:
    """One piece of work: what it is, its page, and how far it is, in words and in percent."""

    what: str
    url: str
    words: str
    percent: str


Source = Callable[[HttpRequest], Iterable[RunningTask]]
_sources: list[Source] = []


def register(source: Source) -> Source:
    """Have ``source`` asked for what runs now and the person may see; a fixed number of queries."""
    _sources.append(source)
    return source


def view(request: HttpRequest) -> JsonResponse:
    """Answer everything that runs in the organization."""
    return JsonResponse(
        {"tasks": [asdict(task) for source in _sources for task in source(request)]}
    )
