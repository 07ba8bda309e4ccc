"""Claims of Pix keys, held for their days: one outcome at DICT, every step an event."""
