"""What a recording, a matrix, moments and arguments are: their dims, labels, clock, origin, and the words for numbers.

Every room may import it; it imports names and errors alone. Begin with `variables`, the specification of each variable,
and `arrays`, which labels a plain array.
"""
