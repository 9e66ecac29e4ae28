"""What there is to learn: one physical system a file."""
