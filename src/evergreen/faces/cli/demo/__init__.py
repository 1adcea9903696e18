"""The whole loop on real data, driven from outside as a client would."""
