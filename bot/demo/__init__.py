"""An invented client, an invented crisis, and a local server that answers as the platforms do."""
