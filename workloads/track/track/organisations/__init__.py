"""Organisations: their members, invitations, keys and log. Every function runs as the tenant that is current."""
