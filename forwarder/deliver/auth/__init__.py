"""Authentication schemes, one small file each. They add headers; they never log a secret."""
