"""NIfTI: one file read and written whole, or in parts."""
