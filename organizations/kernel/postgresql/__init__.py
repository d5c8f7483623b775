"""Django's PostgreSQL backend, whose connections know for which organization they work."""
