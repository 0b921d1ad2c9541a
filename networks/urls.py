from django.urls import path

from networks import views

app_name = "networks"
urlpatterns = [
    path("networks/", views.network_list, name="list"),
    path("networks/<id:pk>/", views.network_detail, name="detail"),
    path("project-options/", views.project_options, name="project_options"),
    path("import-notes/", views.import_notes, name="import_notes"),
    path("activity/", views.activity, name="activity"),
    path("activity/story/<str:key>/", views.story, name="story"),
    path("activity/<slug:kind>/<path:key>/", views.history, name="history"),
]
