"""What every REST endpoint shares: errors, ETags, fields, lists, rows, views, formats, access."""
