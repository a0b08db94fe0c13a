"""A bounded run in which everything dies over and over, judged from outside by a model of its own.

`make chaos`, or `python -m dev.chaos --help`. Nothing of how the product decides is imported: a story knows its one
right end, and what became of it is read from the database, the API, the logs and the shop's own endpoint.
"""
