"""What people type and see: the only package that prints or exits."""
