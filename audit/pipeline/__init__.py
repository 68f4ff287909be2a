"""The order of the steps of an audit; the only room that knows it."""
