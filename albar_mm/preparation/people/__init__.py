"""Finding the people in the videos of a list."""
