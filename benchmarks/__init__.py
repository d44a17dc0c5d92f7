"""Measures this tool against the tools people would use instead: ``make bench``.

Every job makes its data, lets each contender do it several times in turn on the same servers
(A B C A B C …), checks that the same rows arrived, and sets our time in relation to theirs.
``docs/benchmarks.md`` says how to read the figures.
"""
