"""One reply from the first upstream byte to the last client byte."""
