"""What use cases ask for, in our words; adapters answer."""
