"""What the tests of every route share: the routes themselves, bodies, and a full organization."""
