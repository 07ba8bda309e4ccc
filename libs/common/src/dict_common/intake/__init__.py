"""What every consumer of commands does alike: refuse once, answer an operator once."""
