"""Evergreen over HTTP: the same messages, objects beside them, and the OpenAPI document made from both."""
