"""What programs read and send: the JSON of the API and of the shop's endpoint, as types (pure)."""
