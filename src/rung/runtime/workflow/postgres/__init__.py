"""Workflows in Postgres: four tables beside the queue's."""
