"""The worlds: layouts, file formats, the living warehouse, and the episode loop."""

from __future__ import annotations

from pathlib import Path

import planners as _planners

__distribution__ = "aislewise"

if getattr(_planners, "__distribution__", None) != __distribution__:
    _file = Path(_planners.__file__ or next(iter(_planners.__path__)))
    raise ImportError(
        "envs needs aislewise's planners but found "
        f"{_file.parent if _file.name == '__init__.py' else _file}: "
        "rename that folder or use an environment of its own"
    )

from .gym import register_all as _register_all

_register_all()
