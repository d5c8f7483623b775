"""The same endpoint as one would write it without thinking of speed: DRF serializers, bulk_create.

Served beside the real one by the ingest benchmark; it has the same authentication, checks the
same fields and writes the same rows into the same tables.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

# ruff: noqa: E402

from django.db import models, transaction
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.models import Account
from catalog.models import Meter
from config import urls
from config.wsgi import application
from organizations.kernel.exact_json import ExactJSONField

__all__ = ["application"]


class Claim(models.Model):
    """A row of the claims."""

    uid = models.TextField(primary_key=True)
    organization_id = models.UUIDField()
    claimed_at = models.DateTimeField()

    class Meta:
        app_label = "billing"
        managed = False
        db_table = "billing_uidclaim"


class Row(models.Model):
    """A row of the measurements."""

    uid = models.TextField(primary_key=True)
    organization_id = models.UUIDField()
    account_id = models.UUIDField()
    meter_id = models.UUIDField()
    ts = models.DateTimeField()
    received_at = models.DateTimeField()
    ets = models.DateTimeField(null=True)
    fields = ExactJSONField()

    class Meta:
        app_label = "billing"
        managed = False
        db_table = "billing_measurement"


def number_map() -> serializers.DictField:
    """A map of field codes to numbers."""
    number = serializers.DecimalField(max_digits=38, decimal_places=18)
    return serializers.DictField(child=number, required=False)


def text_map() -> serializers.DictField:
    """A map of field codes to texts."""
    return serializers.DictField(child=serializers.CharField(), required=False)


class ItemSerializer(serializers.Serializer):
    """One measurement."""

    uid = serializers.CharField(max_length=50)
    meter = serializers.CharField(max_length=80)
    account = serializers.CharField(max_length=80)
    ts = serializers.DateTimeField()
    ets = serializers.DateTimeField(required=False)
    who, what, where = text_map(), text_map(), text_map()
    other, metadata = text_map(), text_map()
    measure, income, cost = number_map(), number_map(), number_map()


class BatchSerializer(serializers.Serializer):
    """The body."""

    measurements = ItemSerializer(many=True)


class SubmitView(APIView):
    """Take measurements in."""

    @transaction.atomic
    def post(self, request: Request, orgId: str) -> Response:
        """Check with serializers, write with bulk_create."""
        batch = BatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        items = sorted(batch.validated_data["measurements"], key=lambda item: item["uid"])
        codes = {item["account"] for item in items}
        accounts = dict(
            Account.objects.filter(organization_id=orgId, code__in=codes).values_list("code", "id")
        )
        meters = dict(Meter.objects.filter(organization_id=orgId).values_list("code", "id"))
        now = timezone.now()
        Claim.objects.bulk_create(
            [Claim(uid=item["uid"], organization_id=orgId, claimed_at=now) for item in items],
            ignore_conflicts=True,
        )
        Row.objects.bulk_create(
            [
                Row(
                    uid=item["uid"],
                    organization_id=orgId,
                    account_id=accounts[item["account"]],
                    meter_id=meters[item["meter"]],
                    ts=item["ts"],
                    received_at=now,
                    fields={**item["measure"], **item["what"], **item["where"]},
                )
                for item in items
            ]
        )
        return Response({"result": "accepted"})


urls.urlpatterns.insert(0, path("organizations/<str:orgId>/measurements", SubmitView.as_view()))
