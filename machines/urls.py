from django.urls import path

from machines import views

app_name = "machines"
urlpatterns = [
    path("machines/", views.machine_list, name="list"),
    path("machines/<uuid:pk>/", views.machine_detail, name="detail"),
    path("networks/<id:pk>/http-proxy/", views.http_proxy, name="http_proxy"),
    path("networks/<id:pk>/http-proxy/forget/", views.forget_http_proxy, name="forget_http_proxy"),
]
