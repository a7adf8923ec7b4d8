"""PNG, TIFF and JPEG: gray and color images."""
