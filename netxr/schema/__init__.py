"""What a recording, a matrix, moments and arguments are: their dims, labels, clock, origin, and the words for numbers.

Begin with `variables`, the specification of each variable, and `arrays`, which labels a plain array; `clock` and
`spacing` say whether times are even.
"""
