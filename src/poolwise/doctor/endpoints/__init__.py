"""Servers that embed: one client a protocol, each a source of vectors."""
