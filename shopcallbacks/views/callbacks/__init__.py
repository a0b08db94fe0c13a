"""The panel of callbacks and each callback's page."""

from . import causes, evidence, notes, panel, saved_views, undo, verbs

BLUEPRINTS = (panel.bp, causes.bp, evidence.bp, verbs.bp, notes.bp, undo.bp, saved_views.bp)
