"""Settings of the REST API: Django REST framework and the OpenAPI schema."""

FRAMEWORK: dict[str, object] = {
    # Tokens first: so that a request without either is answered 401, with the way to do better.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.access.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["networks.common.api.access.RolePermission"],
    "DEFAULT_PAGINATION_CLASS": "networks.common.api.lists.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.SearchFilter",
        "networks.common.api.lists.Ordering",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "networks.common.api.formats.Browsable",
    ],
    "DEFAULT_PARSER_CLASSES": ["networks.common.api.formats.Json"],
    "DEFAULT_SCHEMA_CLASS": "networks.common.api.described.Described",
    "EXCEPTION_HANDLER": "networks.common.api.errors.exception_handler",
}
API_DESCRIPTION = """\
Networks of a bare-metal cloud, shared under rules, and the firewalls that join them.

- A broken rule: 400 `{"<field>": [{"message", "code"}]}`; what is said of one item of a list also \
says `at` which, as in `1.network`. In use: 409 in the same shape.
- Writes with an `Idempotency-Key` are done once and answered alike for 24 hours; another request \
with the key: 409.
- Errors are JSON for every status. Who asks or what for (401, 403, 404, 405, 406, 415): \
`{"detail"}`; all others: the shape of a broken rule.
- A path without its final slash is the one with it.
- Counts of 2^53 and more are capped to 2^53 - 1, and stand beside as text, in `…_exact`.
- Reads carry an `ETag`; a write whose `If-Match` names an older state: 412. How full a network is \
and the state of a firewall move by themselves and make no write stale.
- Lists: `limit` (at most 1000), `offset`, `ordering`, `search`, exact filters; `null` finds rows \
without one, `labels=key=value` a label.
- Nothing is ignored: an unknown key of a body, and an unknown, empty or repeated parameter of a \
URL, is refused with the nearest known one. What is shown and not set may be sent back as it is.
"""
SPECTACULAR: dict[str, object] = {
    "TITLE": "Shared Networks",
    "DESCRIPTION": API_DESCRIPTION,
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "NetworkKind": "networks.models.Network.Kind",
        "AddressKind": "networks.models.Address.Kind",
        "FirewallState": "firewalls.api.words.FIREWALL_STATES",
        "PushState": "firewalls.api.words.PUSH_STATES",
        "CauseState": "firewalls.api.acknowledging.STATES",
        "ApplierState": "firewalls.pushing.appliers.State",
        "RolloutState": "firewalls.models.Rollout.State",
        "ImportVerdict": "networks.models.ImportNote.Verdict",
        "ReachVerdict": "firewalls.api.answers.VERDICTS",
        "InternetViaKind": "firewalls.api.internet.KINDS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "networks.common.api.described.complete",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
