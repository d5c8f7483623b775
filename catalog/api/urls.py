"""Addresses of this app's entities below the organization."""

from catalog.api import catalogue, compounds, counters, lookup_urls, plan_groups, views
from organizations.kernel.api.views import routes

urlpatterns = [
    *routes("products", views.ProductViewSet),
    *routes("meters", views.MeterViewSet),
    *routes("aggregations", views.AggregationViewSet),
    *routes("plantemplates", views.PlanTemplateViewSet),
    *routes("plans", views.PlanViewSet),
    *routes("pricings", views.PricingViewSet),
    *catalogue.urlpatterns,
    *compounds.urlpatterns,
    *counters.urlpatterns,
    *plan_groups.urlpatterns,
    *lookup_urls.urlpatterns,
]
