"""What may be said, made and changed where: rules as data, and decisions that carry their rule and reason."""
