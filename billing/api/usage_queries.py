"""Questions about usage over the API, and those that are saved."""

from typing import Any, ClassVar

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from billing.models import SavedQuery
from billing.usage.queries import running, shape, windows
from billing.usage.queries.checking import JOB, USAGE
from organizations.kernel import exact_json
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, id_list
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes

MOST_IDS, MOST_FILTERS, MOST_AGGREGATIONS, MOST_GROUPS = 1000, 50, 50, 10


class UsageQueryFilterSerializer(serializers.Serializer):
    """Leave measurements of a meter whose field has one of the values."""

    meterId = fields.IdField()
    fieldCode = fields.TextField(min_length=1, max_length=80)
    values = serializers.ListField(
        child=fields.TextField(max_length=1000, allow_blank=True), min_length=1, max_length=MOST_IDS
    )


class UsageQueryAggregationSerializer(serializers.Serializer):
    """What becomes of one field of one meter."""

    meterId = fields.IdField()
    fieldCode = fields.TextField(min_length=1, max_length=80)
    fieldType = fields.ChoiceField(choices=[shape.DIMENSION, shape.MEASURE])
    function = fields.ChoiceField(choices=shape.ALL_FUNCTIONS)


class UsageQueryGroupSerializer(serializers.Serializer):
    """ACCOUNT; TIME with ``frequency``; DIMENSION with ``meterId`` and ``fieldCode``."""

    groupType = fields.ChoiceField(choices=shape.GROUP_TYPES)
    frequency = fields.ChoiceField(choices=shape.FREQUENCIES, required=False, allow_null=True)
    meterId = fields.IdField(required=False, allow_null=True)
    fieldCode = fields.TextField(required=False, allow_null=True, max_length=80)


def _many(child: Any, most: int) -> Any:
    # Not many=True: with it null would be allowed inside the list too.
    return serializers.ListField(child=child(), required=False, allow_null=True, max_length=most)


def _ids() -> Any:
    return serializers.ListField(
        child=fields.IdField(), required=False, allow_null=True, max_length=MOST_IDS
    )


class UsageQuerySerializer(serializers.Serializer):
    """A question about usage; without meters or accounts it is about all of them."""

    startDate = fields.InstantField(required=False, allow_null=True)
    endDate = fields.InstantField(required=False, allow_null=True)
    meterIds = _ids()
    accountIds = _ids()
    dimensionFilters = _many(UsageQueryFilterSerializer, MOST_FILTERS)
    aggregations = _many(UsageQueryAggregationSerializer, MOST_AGGREGATIONS)
    groups = _many(UsageQueryGroupSerializer, MOST_GROUPS)
    limit = fields.WholeField(
        required=False, allow_null=True, min_value=1, max_value=shape.MOST_ROWS
    )


class TimedUsageQuerySerializer(UsageQuerySerializer):
    """A question with a period relative to now, which goes before its dates."""

    timePeriod = fields.ChoiceField(choices=windows.TIME_PERIODS, required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        """Return what is stored: JSON, without what was not said."""
        found = super().to_internal_value(data)
        return exact_json.jsonable(
            {key: value for key, value in found.items() if value is not None}
        )


class UsageAnswerSerializer(serializers.Serializer):
    """Rows as they come, and whether there are more than were returned."""

    data = serializers.ListField(child=serializers.DictField())
    hasMoreData = serializers.BooleanField()


class SavedQuerySerializer(TenantSerializer):
    """A saved query."""

    usage_query = TimedUsageQuerySerializer()

    class Meta:
        model = SavedQuery
        fields = ["name", "usage_query"]


class SavedQueryViewSet(TenantViewSet):
    """Saved queries, and asking one that is not."""

    queryset = SavedQuery.objects.all()
    serializer_class = SavedQuerySerializer
    filters: ClassVar[dict[str, Filter]] = {"ids": id_list()}
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "query": ("config:create", JOB),
    }
    also_needs: ClassVar[dict[str, tuple[frozenset[tuple[str, str]], ...]]] = {
        "query": (
            frozenset({("config:retrieve", JOB)}),
            frozenset({("config:retrieve", USAGE), ("analytics:query", USAGE)}),
        )
    }

    @extend_schema(request=UsageQuerySerializer, responses=UsageAnswerSerializer)
    def query(self, request: Request, **kwargs: Any) -> HttpResponse:
        """Answer a question about usage with at most 20,000 rows, newest first."""
        body = UsageQuerySerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        asked = shape.read(body.validated_data)
        answer = running.run(self.organization_id, asked, rights=self.rights)
        return StreamingHttpResponse(running.written(answer), content_type="application/json")


urlpatterns = [
    *routes("usage/savedqueries", SavedQueryViewSet),
    *routes("usage", SavedQueryViewSet, collection={}, item={}, more={"query": {"post": "query"}}),
]
