"""People: passwords, links that sign in, second factors, sessions."""
