"""The denoiser at home in other programs; each of them is imported only where it runs."""
