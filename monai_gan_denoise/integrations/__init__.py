"""The denoiser inside other programs. Each imports its host only when it is asked for."""
