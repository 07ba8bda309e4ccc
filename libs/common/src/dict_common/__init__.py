"""What every DICT Connect service stands on: floors from `kernel` up to `testing`."""
