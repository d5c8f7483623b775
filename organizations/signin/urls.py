"""Addresses of signing in and of a person's own account, below ``/admin/sign-in/``."""

from django.urls import path

from organizations.signin.pages import account, arriving, choosing, factor, forgotten
from organizations.signin.pages import through_provider as provider

app_name = "signin"
urlpatterns = [
    path("code/", arriving.enter_code, name="code"),
    path("confirm/", arriving.confirm, name="confirm"),
    path("organizations/", choosing.organizations, name="organizations"),
    path("provider/", provider.ask, name="provider"),
    path("provider/callback/", provider.callback, name="callback"),
    path("provider/<uuid:organization_id>/", provider.start, name="provider_of"),
    path("forgotten/", forgotten.ask, name="forgotten"),
    path("new-password/<uidb64>/<token>/", forgotten.ChooseView.as_view(), name="reset"),
    path("second-factor/", factor.manage, name="second_factor"),
    path("profile/", account.show, name="profile"),
    path("profile/sessions/<uuid:session_id>/end/", account.end_session, name="end_session"),
    path("profile/sessions/end/", account.end_other_sessions, name="end_sessions"),
    path("profile/token/", account.mint_token, name="mint_token"),
    path("profile/tokens/revoke/", account.revoke_tokens, name="revoke_tokens"),
    path("keys/<uuid:key_id>/token/", account.key_token, name="key_token"),
]
