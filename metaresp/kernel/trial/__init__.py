"""The true rate of one trial: of a new one, of a study given its counts, and the events it brings."""
