"""Folder for downloaded strain."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Folder for downloaded strain: `$CHIRPLEAF_CACHE`, by default the user's folder for caches."""
    chosen = os.environ.get("CHIRPLEAF_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("chirpleaf")
