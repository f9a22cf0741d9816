"""What everything stands on: errors, progress, pixels in and out."""
