"""What every part may know: a scan, its modality, its slices, and errors that speak to users."""
