"""What is found and what is missed, and what each setting is worth: recall, precision, AP, conditions that are told."""
