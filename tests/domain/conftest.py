"""Property tests have no time limit: a busy machine is no bug."""

from hypothesis import settings

settings.register_profile("driftwatch", deadline=None, max_examples=60)
settings.load_profile("driftwatch")
