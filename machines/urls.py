from django.urls import path

from machines import views

app_name = "machines"
urlpatterns = [
    path("machines/", views.machine_list, name="list"),
    path("machines/<uuid:pk>/", views.machine_detail, name="detail"),
]
