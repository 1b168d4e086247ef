"""The commands of the shell, a module each, named like the command.

Each is options, one call of the library, and output. Begin with `simulate`.
"""
