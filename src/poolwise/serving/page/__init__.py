"""The page that the server shows to a browser: readouts compared on one's own sentences."""
