"""Files of other tools, a module each: `registry` lists them, and is where a new one is entered.

Begin with `registry`, then `plain`, the simplest reader.
"""
