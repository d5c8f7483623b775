"""Addresses of this app's entities below the organization."""

from notifications.api import scheduled

urlpatterns = [*scheduled.urlpatterns]
