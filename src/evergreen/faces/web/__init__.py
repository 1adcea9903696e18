"""What all faces over HTTP share: binding, the guard in front, the form of answers."""
