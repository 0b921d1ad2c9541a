from django.urls import path

from networks import views

app_name = "networks"
urlpatterns = [
    path("networks/", views.network_list, name="list"),
    path("networks/<str:pk>/", views.network_detail, name="detail"),
]
