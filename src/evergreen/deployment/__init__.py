"""Which version answers where: endpoints and their releases. In this version traffic moves all at once."""
