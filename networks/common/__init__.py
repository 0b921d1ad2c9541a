"""What every app stands on; nothing here knows a model of ours."""
