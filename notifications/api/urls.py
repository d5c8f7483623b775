"""Addresses of this app's entities below the organization."""

from notifications.api import configurations, scheduled

urlpatterns = [*scheduled.urlpatterns, *configurations.urlpatterns]
