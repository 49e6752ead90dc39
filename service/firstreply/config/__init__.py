"""Reads the configuration: from text to ``settings.Settings``, with the place of every mistake.

``load`` is the way in; ``file`` and ``env`` read, ``field_types`` convert, ``checks`` compare, and
``reference`` writes the pages for people and editors.
"""
