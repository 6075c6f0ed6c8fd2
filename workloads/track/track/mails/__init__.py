"""Mails: written, claimed when they are due, sent once, followed up."""
