"""Files of other tools: `registry` lists the module that reads each, and is where a new one is entered.

Begin with `registry`, then `plain`, the simplest reader.
"""
