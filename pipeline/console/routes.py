"""The console's addresses: those of every page in `views`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from fastapi import APIRouter

from pipeline.console import views

routes = APIRouter()
for page in sorted(module.name for module in iter_modules(views.__path__)):
    routes.include_router(import_module(f"{views.__name__}.{page}").routes)
