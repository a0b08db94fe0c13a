"""The rules of the product, without a database, a web server or a clock."""
