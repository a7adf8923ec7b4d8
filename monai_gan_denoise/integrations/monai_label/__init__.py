"""A MONAI Label app that serves the denoiser to 3D Slicer and other clients, and lets it learn from their images.

``main`` is what MONAI Label loads, in an environment of its own; ``folder`` writes the app as a folder of its own. Only
``app``, ``infer`` and ``train`` import MONAI Label.
"""
