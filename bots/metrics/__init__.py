"""What members do, counted: facts without content under keyed pseudonyms, rolled up, and shown as far as may be."""
