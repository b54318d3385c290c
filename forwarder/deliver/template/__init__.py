"""Bodies from templates: two syntaxes read into one tree, one compiler with bounds, JSON escaping by context.

Never reaches a Python object's attributes, opens no file and asks no clock: the same events always give the same bytes.
"""
