"""Bytes by digest. Here whole objects, one file each; how bytes are cut never shows in an object's name."""
