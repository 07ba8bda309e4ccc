"""The whole stack on one machine: fetched, started, probed, stopped; the verbs of `./dev`."""
