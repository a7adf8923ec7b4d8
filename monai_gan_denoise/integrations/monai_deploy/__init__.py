"""A MONAI Deploy application: DICOM studies in, derived series out.

Run it with ``python -m monai_gan_denoise.integrations.monai_deploy -i IN -o OUT -m bundle/``. It needs the MONAI Deploy
App SDK, in an environment of its own; see requirements.txt beside this file.
"""
