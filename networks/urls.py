from django.urls import path

from networks import (
    converters,  # noqa: F401  (registers <id:…>)
    views,
)

app_name = "networks"
urlpatterns = [
    path("networks/", views.network_list, name="list"),
    path("networks/<id:pk>/", views.network_detail, name="detail"),
]
