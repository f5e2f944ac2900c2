"""Pages for people: the public page behind every label, and the plain desk for those who hold a token."""
