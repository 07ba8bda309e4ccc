"""Claims and portability of Pix keys, held for their days: command in, one outcome at DICT, every step an event."""
