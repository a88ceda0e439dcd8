"""What is generated from the code and kept in the repository; `make tables` writes it anew."""
