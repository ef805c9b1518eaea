"""Stages of the workflow: the only place where files and numbers meet. One module a rule."""
