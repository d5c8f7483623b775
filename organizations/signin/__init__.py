"""How people prove who they are, and what their open sessions may enter."""
