"""A multi-tenant service that sends its customers' mail."""
